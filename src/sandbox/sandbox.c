#include "sandbox/sandbox.h"

#include "base/mem.h"
#include "sandbox/internal.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>

void sandbox_options_init(struct sandbox_options *o)
{
    *o = (struct sandbox_options){
        .memory_bytes = POLICY_MEMORY_BYTES,
        .soft_ms = 40,
        .hard_ms = 50,
        .load_ms = 2000,
        .guilty_cpu_ms = 25,
        .strikes_max = 3,
        .strikes_ms = 60 * 1000,
        .retry_ms = 5 * 1000,
        .retry_max_ms = 300 * 1000,
        .niceness = 10,
        .hosts_max = 64,
    };
}

/* --- For all of them ------------------------------------------------------------- */

struct process_options sandbox_process_options(const struct sandbox *s)
{
    return (struct process_options){
        .path = s->host_path,
        .memory_bytes = s->options.memory_bytes,
        .soft_ms = s->options.soft_ms,
        .hard_ms = s->options.hard_ms,
        .niceness = s->options.niceness,
        .allow_without_seccomp = s->options.allow_without_seccomp,
    };
}

struct policy_answer *sandbox_fail(struct sandbox *s, enum policy_failure failure, const char *fmt,
                                   ...)
{
    struct policy_answer *a = &s->answer;
    va_list args;

    a->failure = failure;
    a->line = 0;
    a->decisions.len = 0;
    a->yes = false;
    a->delay_ms = 0;
    a->log_len = a->metrics_len = a->scores_len = a->memory_bytes = 0;
    a->log_cut = false;
    va_start(args, fmt);
    (void)vsnprintf(a->message, sizeof(a->message), fmt, args);
    va_end(args);
    return a;
}

/* --- The first try --------------------------------------------------------------- */

/* What the host says about itself; false: nothing, within the time of a load. */
static bool hear(struct sandbox *s, const struct process *host, struct wire_loaded *ret)
{
    struct pollfd wait = { .fd = host->socket, .events = POLLIN };
    int rc;

    do
        rc = poll(&wait, 1, (int)s->options.load_ms);
    while (rc < 0 && errno == EINTR);
    if (rc != 1)
        return false;
    ssize_t n = recv(host->socket, s->message, sizeof(s->message), MSG_DONTWAIT);
    return n > 0 && wire_get_loaded((struct str){ s->message, (size_t)n }, ret);
}

static void finish(const struct process *host, int *ret_status)
{
    process_kill(host);
    (void)waitpid(host->pid, ret_status, 0);
    (void)close(host->pidfd);
    (void)close(host->socket);
}

/* Start a host with the smallest of policies, hear whether it is well, and end it: a few
 * milliseconds, once, before there is anything else to do. */
static int try_host(struct sandbox *s, const struct view *view, int source_fd, struct err *err)
{
    struct process_options options = sandbox_process_options(s);
    struct wire_loaded loaded;
    struct process host;
    int status = 0;

    options.name = "probe";
    options.snapshot_fd = view->fd;
    options.source_fd = source_fd;
    if (process_start(&options, &host, err) < 0)
        return err->code;
    bool is_heard = hear(s, &host, &loaded);
    finish(&host, &status);
    if (!is_heard)
        return err_set(err, ERR_UNAVAILABLE, "'%s' does not work here (%s %d)", s->host_path,
                       WIFSIGNALED(status) ? "signal" : "exit code",
                       WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    if (!loaded.has_seccomp && !s->options.allow_without_seccomp)
        return err_set(err, ERR_UNAVAILABLE, "the kernel refuses seccomp filters here");
    return 0;
}

static int probe(struct sandbox *s, struct err *err)
{
    struct view view = { .fd = -1 };

    if (s->options.host_path)
        (void)snprintf(s->host_path, sizeof(s->host_path), "%s", s->options.host_path);
    else if (process_find(s->host_path, sizeof(s->host_path), err) < 0)
        return err->code;
    AUTO(close_fd) int source_fd = process_source(str_of("function schedule() end"), err);
    if (source_fd < 0 || view_open(&view, err) < 0)
        return err->code;
    int rc = try_host(s, &view, source_fd, err);
    view_close(&view);
    return rc;
}

/* --- Life ------------------------------------------------------------------------ */

struct sandbox *sandbox_new(struct loop *loop, const struct sandbox_options *options)
{
    struct sandbox *s = mem_alloc(1, sizeof(*s));
    struct err err;

    s->loop = loop;
    s->options = *options;
    list_init(&s->dying);
    buf_init(&s->out, WIRE_MESSAGE_BYTES_MAX);
    if (probe(s, &err) < 0) {
        s->state = POLICY_SANDBOX_UNAVAILABLE;
        (void)snprintf(s->words, sizeof(s->words), "%s", err.msg);
    }
    return s;
}

void sandbox_free(struct sandbox *s)
{
    struct list *it, *tmp;

    if (!s)
        return;
    LIST_FOREACH(it, tmp, &s->dying)
        host_reap(it);
    buf_deinit(&s->out);
    free(s);
}

enum policy_failure sandbox_state(const struct sandbox *s, char *ret_words, size_t size)
{
    (void)snprintf(ret_words, size, "%s", s->words);
    return s->state;
}

void sandbox_get_stats(const struct sandbox *s, struct sandbox_stats *ret)
{
    *ret = s->stats;
    ret->hosts = s->hosts_len;
}
