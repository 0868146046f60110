/*
 * One host, from its start to its last breath:
 *
 *     loading --LOADED--> ready --ask--> busy --all answered--> ready
 *                                         |--deadline, its CPU time small--> late
 *                                         |                                    `--> ready
 *                                         `--deadline, guilty--> spent
 *
 * From anywhere to spent: it died, or it said what makes no sense. A spent host only waits
 * for host_end(). A killed one is kept until it has been reaped, without its owner.
 */
#include "base/clock.h"
#include "sandbox/host_private.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { REAP_WAIT_MS = 200 };

static void on_ended(void *data);

/* --- Start and end ------------------------------------------------------------- */

int host_start(struct sandbox *s, const struct process_options *options,
               const struct host_events *events, void *data, struct host **ret, struct err *err)
{
    struct process process;

    if (s->hosts_len >= s->options.hosts_max || s->dying_len >= s->options.hosts_max)
        return err_set(err, ERR_LIMIT, "%u policy hosts run already (hosts_max)",
                       s->options.hosts_max);
    uint64_t started_us = clock_mono_us();
    if (process_start(options, &process, err) < 0)
        return err->code;
    struct host *h = mem_alloc(1, sizeof(*h));
    *h = (struct host){ .s = s,
                        .events = events,
                        .data = data,
                        .name = options->name,
                        .process = process,
                        .hard_ms = options->hard_ms,
                        .started_us = started_us };
    list_init(&h->link);
    (void)clock_getcpuclockid(process.pid, &h->cpu_clock); /* ours, so it is there */
    if (options->want_text) {
        h->lua = mem_alloc(1, sizeof(*h->lua));
        script_lua_init(h->lua);
    }
    h->on_socket = loop_watch_new(s->loop, process.socket, host_on_readable, h);
    h->on_pid = loop_watch_new(s->loop, process.pidfd, on_ended, h);
    assert(h->on_socket && h->on_pid); /* both kinds can always be waited for */
    loop_timer_init(s->loop, &h->deadline, host_on_deadline);
    loop_timer_start(&h->deadline, s->options.load_ms);
    s->hosts_len++;
    s->stats.starts_total++;
    *ret = h;
    return 0;
}

static void stop_listening(struct host *h)
{
    loop_watch_free(TAKE(h->on_socket));
    close_fd(&h->process.socket);
    h->process.socket = -1;
}

static void host_free(struct host *h)
{
    list_remove(&h->link);
    loop_watch_free(h->on_pid);
    close_fd(&h->process.pidfd);
    h->s->dying_len--;
    free(h);
}

void host_end(struct host *h)
{
    if (!h)
        return;
    uint64_t begin_us = clock_mono_us();
    process_kill(&h->process);
    h->is_ended = true;
    if (h->s->speaking == h)
        h->s->speaking = NULL;
    loop_timer_stop(&h->deadline);
    stop_listening(h);
    if (h->lua)
        script_lua_deinit(h->lua);
    free(TAKE(h->lua));
    h->s->hosts_len--;
    h->s->dying_len++;
    list_push_back(&h->s->dying, &h->link);
    h->s->stats.kill_us_last = clock_mono_us() - begin_us;
    if (!h->on_pid) /* reaped already: it died by itself */
        host_free(h);
}

void host_reap(struct list *dying)
{
    struct host *h = container_of(dying, struct host, link);
    struct pollfd wait = { .fd = h->process.pidfd, .events = POLLIN };

    (void)poll(&wait, 1, REAP_WAIT_MS);
    (void)waitpid(h->process.pid, NULL, WNOHANG);
    host_free(h);
}

/* --- Facts --------------------------------------------------------------------- */

bool host_is_ready(const struct host *h)
{
    return h->state == HOST_READY;
}

bool host_is_busy(const struct host *h)
{
    return h->state == HOST_BUSY;
}

bool host_is_late(const struct host *h)
{
    return h->state == HOST_LATE;
}

pid_t host_pid(const struct host *h)
{
    return h->process.pid;
}

const struct script_lua *host_lua(const struct host *h)
{
    return h->has_all_lua ? h->lua : NULL;
}

/* CPU time since its start; 0 for one that is gone. */
static uint64_t cpu_us(const struct host *h)
{
    struct timespec t;

    if (h->s->options.host_cpu_us)
        return h->s->options.host_cpu_us(h->process.pid);
    if (clock_gettime(h->cpu_clock, &t) != 0)
        return 0;
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

bool host_is_guilty(const struct host *h)
{
    return cpu_us(h) >=
           h->cpu_us_seen + h->unseen_us + (uint64_t)h->s->options.guilty_cpu_ms * 1000;
}

void host_look_at_cpu(struct host *h)
{
    if (h->unseen_us < UNSEEN_US_MAX)
        return;
    h->cpu_us_seen = cpu_us(h);
    h->unseen_us = 0;
}

/* --- Failing ------------------------------------------------------------------- */

void host_lose(struct host *h, enum policy_failure failure, const char *words)
{
    struct diagnostics d = { 0 };

    h->state = HOST_SPENT;
    loop_timer_stop(&h->deadline);
    (void)diagnostics_add(&d, false, 0, 0, "%s", words);
    h->events->on_lost(h->data, h, failure, &d);
}

/* It is gone, or might as well be. */
void host_crash(struct host *h, const char *words)
{
    enum host_state state = h->state;

    if (state == HOST_SPENT)
        return;
    if (state != HOST_BUSY) {
        host_lose(h, state == HOST_LOADING ? POLICY_LOAD : POLICY_CRASH, words);
        return;
    }
    h->state = HOST_SPENT;
    loop_timer_stop(&h->deadline);
    h->events->on_answer(h->data, h, sandbox_fail(h->s, POLICY_CRASH, "%s: %s", h->name, words), 0);
}

static void tell_exit(struct host *h)
{
    char words[DIAGNOSTIC_MESSAGE_SIZE];
    int status = h->exit_status;
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : 0;

    if (h->state == HOST_LOADING && code != 0) {
        (void)snprintf(words, sizeof(words),
                       "rbee-policy-host cannot shut itself in here (exit code %d)", code);
        host_lose(h, POLICY_SANDBOX_UNAVAILABLE, words);
        return;
    }
    if (WIFSIGNALED(status))
        (void)snprintf(words, sizeof(words), "the policy's process was ended by signal %d (%s)",
                       WTERMSIG(status), sigabbrev_np(WTERMSIG(status)));
    else
        (void)snprintf(words, sizeof(words), "the policy's process ended by itself (exit code %d)",
                       code);
    host_crash(h, words);
}

/* The process is over. One that its owner has ended was only kept for this; what another said
 * before is still to be read, and its hanging up comes last. */
static void on_ended(void *data)
{
    struct host *h = data;

    if (waitpid(h->process.pid, &h->exit_status, WNOHANG) == 0)
        return;
    if (h->is_ended) {
        host_free(h);
        return;
    }
    loop_watch_free(TAKE(h->on_pid));
    if (!h->on_socket)
        tell_exit(h);
}

/* What it ended of is known once it is reaped. A process in the kernel's hands may take its
 * time for that, a question may not. */
void host_hung_up(struct host *h)
{
    stop_listening(h);
    process_kill(&h->process);
    loop_timer_start(&h->deadline, h->hard_ms);
    if (!h->on_pid)
        tell_exit(h);
}
