/*
 * One host, from its start to its last breath:
 *
 *     loading --LOADED--> ready --ask--> busy --ANSWER--> ready
 *                                         |--deadline, its CPU time small--> late --ANSWER--> ready
 *                                         `--deadline, guilty--> spent
 *
 * From anywhere to spent: it died, or it said what makes no sense. A spent host only waits
 * for host_end(). A killed one is kept until it has been reaped, without its owner.
 */
#include "base/clock.h"
#include "base/mem.h"
#include "sandbox/internal.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* A host that was starved is given this many deadlines more to come round. */
enum { LATE_ROUNDS_MAX = 20, REAP_WAIT_MS = 200 };

/* Its CPU clock costs a system call, so it is not looked at before each question: what it may
 * have used since, by the wall clock, counts for it. */
enum { UNSEEN_US_MAX = 1000 };

enum host_state { HOST_LOADING, HOST_READY, HOST_BUSY, HOST_LATE, HOST_SPENT };

struct host {
    struct sandbox *s;
    const struct host_events *events;
    void *data;
    struct list link; /* in sandbox.dying once ended */
    const char *name; /* borrowed; in messages */
    struct process process;
    clockid_t cpu_clock;
    struct loop_watch *on_socket, *on_pid; /* NULL: it has hung up; it has been reaped */
    int exit_status;
    bool is_ended; /* by its owner */
    struct loop_timer deadline;
    enum host_state state;
    uint64_t started_us;
    struct script_lua *lua; /* NULL: not wanted */
    bool has_all_lua;

    uint64_t seq;                              /* of its last question */
    uint64_t asked_us, cpu_us_seen, unseen_us; /* `unseen_us`: it was busy since that look */
    unsigned late_rounds;
};

static void on_deadline(struct loop_timer *timer);
static void on_readable(void *data);
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
                        .started_us = started_us };
    list_init(&h->link);
    (void)clock_getcpuclockid(process.pid, &h->cpu_clock); /* ours, so it is there */
    if (options->want_text) {
        h->lua = mem_alloc(1, sizeof(*h->lua));
        script_lua_init(h->lua);
    }
    h->on_socket = loop_watch_new(s->loop, process.socket, on_readable, h);
    h->on_pid = loop_watch_new(s->loop, process.pidfd, on_ended, h);
    assert(h->on_socket && h->on_pid); /* both kinds can always be waited for */
    loop_timer_init(s->loop, &h->deadline, on_deadline);
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

static bool is_guilty(const struct host *h)
{
    return cpu_us(h) >=
           h->cpu_us_seen + h->unseen_us + (uint64_t)h->s->options.guilty_cpu_ms * 1000;
}

static void look_at_cpu(struct host *h)
{
    if (h->unseen_us < UNSEEN_US_MAX)
        return;
    h->cpu_us_seen = cpu_us(h);
    h->unseen_us = 0;
}

/* --- Failing ------------------------------------------------------------------- */

static void lose(struct host *h, enum policy_failure failure, const char *words)
{
    struct diagnostics d = { 0 };

    h->state = HOST_SPENT;
    loop_timer_stop(&h->deadline);
    (void)diagnostics_add(&d, false, 0, 0, "%s", words);
    h->events->on_lost(h->data, h, failure, &d);
}

/* It is gone, or might as well be. */
static void crash(struct host *h, const char *words)
{
    enum host_state state = h->state;

    if (state == HOST_SPENT)
        return;
    if (state != HOST_BUSY) {
        lose(h, state == HOST_LOADING ? POLICY_LOAD : POLICY_CRASH, words);
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
        lose(h, POLICY_SANDBOX_UNAVAILABLE, words);
        return;
    }
    if (WIFSIGNALED(status))
        (void)snprintf(words, sizeof(words), "the policy's process was ended by signal %d (%s)",
                       WTERMSIG(status), sigabbrev_np(WTERMSIG(status)));
    else
        (void)snprintf(words, sizeof(words), "the policy's process ended by itself (exit code %d)",
                       code);
    crash(h, words);
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
static void on_hang_up(struct host *h)
{
    stop_listening(h);
    process_kill(&h->process);
    loop_timer_start(&h->deadline, h->s->options.hard_ms);
    if (!h->on_pid)
        tell_exit(h);
}

/* --- What it says -------------------------------------------------------------- */

static void on_loading(struct host *h, struct str message)
{
    struct sandbox *s = h->s;
    struct wire_loaded loaded;
    struct diagnostics d;
    enum wire_kind kind;

    if (h->lua && !h->has_all_lua && wire_kind(message, &kind) && kind == WIRE_TEXT) {
        if (!wire_get_text(message, h->lua, &h->has_all_lua))
            crash(h, "the policy's process sent a Lua text that cannot be");
        return;
    }
    if (wire_get_refused(message, &d)) {
        h->state = HOST_SPENT;
        loop_timer_stop(&h->deadline);
        h->events->on_lost(h->data, h, POLICY_LOAD, &d);
        return;
    }
    if (!wire_get_loaded(message, &loaded)) {
        crash(h, "the policy's process said what makes no sense");
        return;
    }
    if (!loaded.has_seccomp && !s->options.allow_without_seccomp) {
        lose(h, POLICY_SANDBOX_UNAVAILABLE, "the kernel refuses seccomp filters here");
        return;
    }
    h->state = HOST_READY;
    h->unseen_us = UNSEEN_US_MAX;
    loop_timer_stop(&h->deadline);
    s->stats.replace_us_last = clock_mono_us() - h->started_us;
    if (h->lua)
        h->lua->header = loaded.info.header;
    h->events->on_loaded(h->data, h, &loaded);
}

/* A soft limit that struck while the machine gave the host no time is nobody's fault. */
static void on_answer(struct host *h, struct str message)
{
    struct policy_answer *answer = &h->s->answer;
    bool was_late = h->state == HOST_LATE;
    uint64_t seq, time_us;

    if (!wire_get_answer(message, &seq, &time_us, answer) || seq != h->seq) {
        crash(h, "the policy's process answered what makes no sense");
        return;
    }
    h->state = HOST_READY;
    loop_timer_stop(&h->deadline);
    if (was_late) {
        h->unseen_us = UNSEEN_US_MAX;
        h->events->on_rested(h->data, h);
        return;
    }
    if (answer->failure == POLICY_TIMEOUT && !is_guilty(h))
        answer->failure = POLICY_STARVED;
    h->unseen_us += clock_mono_us() - h->asked_us;
    h->events->on_answer(h->data, h, answer, time_us);
}

/* One message; false when there is none now. After it the host may be gone. */
static bool read_one(struct host *h)
{
    struct sandbox *s = h->s;
    ssize_t n = recv(h->process.socket, s->message, sizeof(s->message), MSG_DONTWAIT | MSG_TRUNC);
    struct str message = { s->message, n > 0 ? (size_t)n : 0 };

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return false;
    if (n <= 0)
        on_hang_up(h);
    else if (message.len > sizeof(s->message))
        crash(h, "the policy's process said more than fits");
    else if (h->state == HOST_LOADING)
        on_loading(h, message);
    else if (h->state == HOST_BUSY || h->state == HOST_LATE)
        on_answer(h, message);
    else
        crash(h, "the policy's process spoke without being asked");
    return true;
}

static void on_readable(void *data)
{
    (void)read_one(data);
}

/* --- Asking -------------------------------------------------------------------- */

/* What cannot be sent is found out by what follows: the end of the process, or the deadline. */
void host_ask(struct host *h, const struct policy_call *call)
{
    struct sandbox *s = h->s;

    assert(h->state == HOST_READY);
    h->seq = ++s->seq;
    bool fits = wire_put_call(&s->out, h->seq, call);
    assert(fits);
    (void)fits;
    h->state = HOST_BUSY;
    h->late_rounds = 0;
    look_at_cpu(h);
    h->asked_us = clock_mono_us();
    (void)send(h->process.socket, s->out.p + s->out.off, buf_len(&s->out),
               MSG_DONTWAIT | MSG_NOSIGNAL);
    loop_timer_start(&h->deadline, s->options.hard_ms);
}

static void time_out(struct host *h)
{
    struct sandbox *s = h->s;
    bool guilty = is_guilty(h);

    h->state = guilty ? HOST_SPENT : HOST_LATE;
    if (!guilty)
        loop_timer_start(&h->deadline, s->options.hard_ms);
    h->events->on_answer(
        h->data, h,
        guilty ? sandbox_fail(s, POLICY_TIMEOUT,
                              "%s: stopped from outside after %u ms; where it was is not known",
                              h->name, s->options.hard_ms)
               : sandbox_fail(s, POLICY_STARVED, "%s: the machine was too busy to run it", h->name),
        0);
}

static void wait_longer(struct host *h)
{
    if (is_guilty(h))
        lose(h, POLICY_TIMEOUT, "went on for too long");
    else if (++h->late_rounds == LATE_ROUNDS_MAX)
        lose(h, POLICY_STARVED, "never came round");
    else
        loop_timer_start(&h->deadline, h->s->options.hard_ms);
}

static void load_too_long(struct host *h)
{
    char words[DIAGNOSTIC_MESSAGE_SIZE];

    (void)snprintf(words, sizeof(words),
                   "did not load within %u ms: code outside of functions runs once, at the load,"
                   " and must end",
                   h->s->options.load_ms);
    lose(h, POLICY_LOAD, words);
}

/* The loop's time stands still within a turn, so the deadline may have been set too soon; and
 * a loop that was held up itself finds the answer waiting. */
static void on_deadline(struct loop_timer *timer)
{
    struct host *h = container_of(timer, struct host, deadline);
    uint64_t gone_us = clock_mono_us() - h->asked_us;
    uint64_t hard_us = (uint64_t)h->s->options.hard_ms * 1000;

    if (!h->on_socket)
        crash(h, "the policy's process has ended");
    else if (h->state == HOST_BUSY && gone_us < hard_us)
        loop_timer_start(timer, (hard_us - gone_us) / 1000 + 1);
    else if (h->state == HOST_LOADING)
        load_too_long(h);
    else if (read_one(h))
        return;
    else if (h->state == HOST_BUSY)
        time_out(h);
    else if (h->state == HOST_LATE)
        wait_longer(h);
}
