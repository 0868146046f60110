#include "daemon/daemon.h"

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"

#include <ifaddrs.h>
#include <limits.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

const struct option_exit daemon_exits[] = {
    { 0, "Stopped as asked." },
    { 1, "Could not start: a port in use, a state directory that cannot be written." },
    { 2, "Wrong command line or configuration." },
    { 0, NULL },
};

/* For errors and markers that the deadline sends to reach their clients. */
enum { LAST_WORDS_MS = 1000 };

/* --- Names we answer to ----------------------------------------------------- */

static bool is_wildcard(const char *host)
{
    return host[0] == '\0' || strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0;
}

static int add_own_name(struct guard *g, struct err *err)
{
    char name[HOST_NAME_MAX + 1];

    if (gethostname(name, sizeof(name)) != 0)
        return err_sys(err, "gethostname");
    return guard_add_host(g, str_of(name), err);
}

/* Bound to every address: each of them, and the machine's name, is ours. */
static int add_own_addresses(struct guard *g, struct err *err)
{
    struct ifaddrs *all;
    int rc = add_own_name(g, err);

    if (rc < 0 || getifaddrs(&all) != 0)
        return rc < 0 ? rc : err_sys(err, "getifaddrs");
    for (const struct ifaddrs *i = all; rc == 0 && i; i = i->ifa_next) {
        char text[NI_MAXHOST];
        int family = i->ifa_addr ? i->ifa_addr->sa_family : AF_UNSPEC;
        socklen_t len =
            family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
        if ((family == AF_INET || family == AF_INET6) &&
            getnameinfo(i->ifa_addr, len, text, sizeof(text), NULL, 0, NI_NUMERICHOST) == 0) {
            text[strcspn(text, "%")] = '\0'; /* a link-local address comes with its interface */
            rc = guard_add_host(g, str_of(text), err);
        }
    }
    freeifaddrs(all);
    return rc;
}

static int add_hosts(struct daemon *d, struct err *err)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < d->listen_len; i++) {
        const struct endpoint *e = &d->listen[i];
        if (e->is_unix)
            continue;
        rc = is_wildcard(e->host) ? add_own_addresses(&d->guard, err)
                                  : guard_add_host(&d->guard, str_of(e->host), err);
    }
    for (size_t i = 0; rc == 0 && d->setup.hosts && i < d->setup.hosts->len; i++)
        rc = guard_add_host(&d->guard, str_of(d->setup.hosts->items[i]), err);
    return rc;
}

/* --- Tokens, and what is refused without them -------------------------------- */

static int read_token(const char *path, struct secret *ret, struct err *err)
{
    return path ? secret_read(path, ret, err) : 0;
}

static bool has_token(const struct guard *g)
{
    return g->client.text[0] || g->hive.text[0] || g->admin.text[0];
}

static int check_exposure(const struct daemon *d, struct err *err)
{
    char text[ENDPOINT_TEXT_SIZE];

    for (size_t i = 0; i < d->listen_len && !has_token(&d->guard); i++) {
        endpoint_text(&d->listen[i], text);
        if (!endpoint_is_loopback(&d->listen[i]))
            return err_set(err, ERR_INVALID,
                           "%s would be open to the network without a token: give --token-file "
                           "FILE, or listen on 127.0.0.1",
                           text);
    }
    return 0;
}

static int parse_listen(struct daemon *d, struct err *err)
{
    const struct option_list *list = d->setup.listen;

    if (list->len > DAEMON_LISTEN_MAX)
        return err_set(err, ERR_INVALID, "--listen may be given at most %d times",
                       DAEMON_LISTEN_MAX);
    for (size_t i = 0; i < list->len; i++) {
        int rc = endpoint_parse(str_of(list->items[i]), &d->listen[i], err);
        if (rc < 0)
            return err_wrap(err, "--listen %s", list->items[i]);
        d->listen_len++;
    }
    return 0;
}

static int lock_state(struct daemon *d, struct err *err)
{
    if (d->setup.check_only)
        return 0;
    return d->setup.state_dir ? file_lock_dir(d->setup.state_dir, &d->lock_fd, err) : 0;
}

int daemon_init(struct daemon *d, const struct daemon_setup *setup, struct err *err)
{
    *d = (struct daemon){ .setup = *setup, .lock_fd = -1 };
    guard_init(&d->guard);
    int rc = parse_listen(d, err);
    if (rc == 0)
        rc = add_hosts(d, err);
    if (rc == 0)
        rc = read_token(setup->token_file, &d->guard.client, err);
    if (rc == 0)
        rc = read_token(setup->hive_token_file, &d->guard.hive, err);
    if (rc == 0)
        rc = read_token(setup->admin_token_file, &d->guard.admin, err);
    if (rc == 0)
        rc = check_exposure(d, err);
    if (rc == 0)
        rc = lock_state(d, err);
    if (rc < 0)
        daemon_deinit(d);
    else
        d->loop = loop_new(NULL, NULL);
    return rc;
}

void daemon_deinit(struct daemon *d)
{
    if (d->loop)
        loop_free(d->loop);
    d->loop = NULL;
    close_fd(&d->lock_fd);
    d->lock_fd = -1;
}

/* --- Serving ------------------------------------------------------------------ */

/* Thousands of streams need two descriptors each; the default soft limit is 1,024. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
        log_warn("cannot raise the descriptor limit", LOG_INT("soft_max", limit.rlim_cur));
}

static int listen_socket(struct daemon *d, struct err *err)
{
    struct endpoint at = { .is_unix = true };
    int len;

    if (!d->setup.socket_name || !d->setup.state_dir)
        return 0;
    len = snprintf(at.host, sizeof(at.host), "%s/%s", d->setup.state_dir, d->setup.socket_name);
    if (len < 0 || (size_t)len > 107) { /* sun_path's room, with the NUL */
        log_warn("state directory's path is too long for a unix socket; going without",
                 LOG_STR("state_dir", d->setup.state_dir));
        return 0;
    }
    return http_server_listen(d->server, &at, NULL, err);
}

void daemon_ready(const struct daemon *d)
{
    char one[ENDPOINT_TEXT_SIZE];
    struct buf all;

    buf_init(&all, (size_t)DAEMON_LISTEN_MAX * sizeof(one));
    for (size_t i = 0; i < d->listen_len; i++) {
        endpoint_text(&d->bound[i], one);
        (void)buf_printf(&all, "%s%s", i > 0 ? "," : "", one);
    }
    log_info("ready", LOG_STRN("listen", buf_str(&all)), LOG_STR("version", RBEE_VERSION),
             LOG_INT("pid", getpid()));
    buf_deinit(&all);
}

int daemon_serve(struct daemon *d, struct http_server *server, struct err *err)
{
    int rc = 0;

    raise_descriptor_limit();
    d->server = server;
    for (size_t i = 0; rc == 0 && i < d->listen_len; i++)
        rc = http_server_listen(server, &d->listen[i], &d->bound[i], err);
    if (rc == 0)
        rc = listen_socket(d, err);
    if (rc == 0 && !d->setup.ready_later)
        daemon_ready(d);
    return rc;
}

/* --- Stopping ----------------------------------------------------------------- */

void daemon_idle(struct daemon *d)
{
    if (d->drained && !(d->app.is_busy && d->app.is_busy(d->app.data)))
        loop_stop(d->loop);
}

static void on_drained(void *data)
{
    struct daemon *d = data;

    d->drained = true;
    daemon_idle(d);
}

static void on_deadline(struct loop_timer *timer)
{
    struct daemon *d = container_of(timer, struct daemon, deadline);

    log_warn("the drain deadline has passed; ending what is left");
    if (d->app.on_deadline)
        d->app.on_deadline(d->app.data);
    daemon_idle(d);
}

void daemon_stop(struct daemon *d)
{
    if (d->stopping)
        return;
    d->stopping = true;
    if (d->app.on_stop)
        d->app.on_stop(d->app.data);
    loop_timer_init(d->loop, &d->deadline, on_deadline);
    loop_timer_start(&d->deadline, d->setup.drain_ms);
    http_server_drain(d->server, d->setup.drain_ms + LAST_WORDS_MS, on_drained, d);
}

static void on_signal(void *data, int signum)
{
    struct daemon *d = data;

    if (d->stopping) {
        log_warn("stopping at once", LOG_INT("signal", signum));
        loop_stop(d->loop);
        return;
    }
    log_info("stopping: running requests are finished first", LOG_INT("signal", signum),
             LOG_INT("drain_ms", d->setup.drain_ms));
    daemon_stop(d);
}

void daemon_run(struct daemon *d, const struct daemon_app *app)
{
    if (app)
        d->app = *app;
    (void)sigaction(SIGPIPE, &(struct sigaction){ .sa_handler = SIG_IGN }, NULL);
    loop_signal(d->loop, SIGTERM, on_signal, d);
    loop_signal(d->loop, SIGINT, on_signal, d);
    loop_run(d->loop);
    if (d->stopping)
        loop_timer_stop(&d->deadline);
    log_info("stopped");
}
