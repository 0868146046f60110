/* The states of one worker: see the diagram in supervisor.h. */
#include "supervisor/internal.h"

#include "supervisor/log_file.h"
#include "supervisor/worker_info.h"

#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { /* a worker's exit codes (its --help) that another try would not change */
       EXIT_BAD_MODEL = 65,
       EXIT_NO_ENGINE = 69,
};

static void set_state(struct supervised *w, enum worker_state state)
{
    if (w->facts.state == state)
        return;
    w->facts.state = state;
    supervisor_emit(w, SUPERVISED_CHANGED);
}

__attribute__((format(printf, 2, 3))) static void set_reason(struct supervised *w, const char *fmt,
                                                             ...)
{
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(w->facts.reason, sizeof(w->facts.reason), fmt, args);
    va_end(args);
}

/* --- Signals ------------------------------------------------------------------- */

static void kill_all(struct supervised *w, uint64_t now_ms)
{
    struct err ignored; /* an older kernel: the process group is what is left */

    w->phase = SUPERVISED_KILLING;
    w->phase_ends_ms = now_ms + KILL_AGAIN_MS;
    if (!w->cgroup[0] || cgroup_kill(w->cgroup, &ignored) < 0)
        child_signal_group(w->child, SIGKILL);
}

static void terminate(struct supervised *w, uint64_t now_ms)
{
    w->phase = SUPERVISED_TERMINATING;
    w->phase_ends_ms = now_ms + w->owner->options.terminate_ms;
    child_signal_group(w->child, SIGTERM);
}

void lifecycle_stop(struct supervised *w, bool now)
{
    const struct supervisor_options *o = &w->owner->options;
    uint64_t now_ms = loop_now_ms(w->owner->loop);

    if (w->phase == SUPERVISED_RUNNING) {
        bool is_working = w->facts.state == WORKER_READY || w->facts.state == WORKER_BUSY;
        w->phase = SUPERVISED_DRAINING;
        w->stop_began_ms = now_ms;
        w->phase_ends_ms = now_ms + (is_working && !now ? o->drain_ms : 0);
        w->facts.state = WORKER_DRAINING;
    } else if (w->phase == SUPERVISED_DEAD || (w->phase == SUPERVISED_DRAINING && now)) {
        w->phase_ends_ms = now_ms;
    }
    supervisor_tick_soon(w->owner);
}

/* --- Its answers ------------------------------------------------------------------ */

void lifecycle_loading(struct supervised *w, int progress_pct)
{
    if (progress_pct == w->progress_pct || w->facts.state != WORKER_STARTING)
        return;
    w->progress_pct = progress_pct;
    supervisor_emit(w, SUPERVISED_PROGRESS);
}

static void note_life(struct supervised *w)
{
    w->answered_ms = loop_now_ms(w->owner->loop);
    w->missed = 0;
    w->facts.reason[0] = '\0';
}

void lifecycle_ready(struct supervised *w)
{
    if (w->phase != SUPERVISED_RUNNING || w->facts.state != WORKER_STARTING)
        return;
    note_life(w);
    w->facts.state = WORKER_READY;
    w->probed_ms = 0; /* its load is asked for at once */
    supervisor_emit(w, SUPERVISED_READY);
}

static void take_load(struct worker_facts *f, const struct worker_info *info)
{
    if (info->slots > 0)
        f->slots = info->slots;
    /* More than it can run is a worker's miscount, for which no queen should refuse the
     * reports of a whole machine. */
    f->active = info->active < f->slots ? info->active : f->slots;
    f->queued = info->queued;
    f->has_kv_used_pct = info->has_kv_used_pct;
    f->kv_used_pct = info->kv_used_pct;
    f->has_tokens_per_s = info->has_tokens_per_s;
    f->tokens_per_s = info->tokens_per_s;
}

void lifecycle_answered(struct supervised *w, const struct worker_info *info)
{
    take_load(&w->facts, info);
    note_life(w);
    if (w->phase == SUPERVISED_RUNNING)
        set_state(w, info->active >= w->facts.slots ? WORKER_BUSY : WORKER_READY);
    else if (w->phase == SUPERVISED_DRAINING && info->active + info->queued == 0 &&
             w->probed_ms >= w->stop_began_ms + SETTLE_MS)
        w->phase_ends_ms = w->answered_ms;
}

void lifecycle_missed(struct supervised *w)
{
    uint64_t silent_ms = loop_now_ms(w->owner->loop) - w->answered_ms;

    w->missed++;
    if (w->phase != SUPERVISED_RUNNING || silent_ms < w->owner->options.silent_ms ||
        w->facts.state == WORKER_FAILED)
        return;
    set_reason(w, "does not answer for %" PRIu64 " s, but is still there", silent_ms / 1000);
    set_state(w, WORKER_FAILED);
}

/* --- Its end ------------------------------------------------------------------------ */

/* What a worker's exit code is to those who wait for it. */
static int failure_of(int exit_code)
{
    switch (exit_code) {
    case EXIT_BAD_MODEL:
        return ERR_INVALID;
    case EXIT_NO_ENGINE:
        return ERR_UNSUPPORTED;
    default:
        return ERR_WORKER;
    }
}

static void explain_exit(struct supervised *w, int exit_code, int signal_number)
{
    char words[WORKER_REASON_SIZE - 64];

    log_file_last_words(w->owner->logs_dir, w->facts.id, words, sizeof(words));
    const char *lead = words[0] ? "; its last words: " : "";
    if (signal_number > 0)
        set_reason(w, "killed by signal %d (%s)%s%s", signal_number, strsignal(signal_number), lead,
                   words);
    else
        set_reason(w, "ended by itself with code %d%s%s", exit_code, lead, words);
}

/* What it started may have outlived it. The group's number cannot be given to others
 * while a process is in it, and was ours until this moment. */
static void kill_strays(struct supervised *w)
{
    struct err ignored;

    if (!w->cgroup[0] || cgroup_kill(w->cgroup, &ignored) < 0)
        (void)kill(-(pid_t)w->facts.pid, SIGKILL);
}

static void end_probes(struct supervised *w)
{
    struct endpoint at = probe_endpoint(w);

    http_fetch_cancel(w->probe);
    w->probe = NULL;
    http_client_forget(w->owner->client, &at);
}

void lifecycle_on_exit(void *data, int exit_code, int signal_number)
{
    struct supervised *w = data;
    uint64_t now_ms = loop_now_ms(w->owner->loop);
    bool was_asked = w->phase != SUPERVISED_RUNNING && !w->gave_up;

    w->child = NULL;
    end_probes(w);
    kill_strays(w);
    launch_clean_up(w);
    w->phase = SUPERVISED_DEAD;
    w->phase_ends_ms = now_ms;
    supervisor_tick_soon(w->owner);
    if (was_asked)
        return;
    w->phase_ends_ms += w->owner->options.keep_failed_ms;
    if (!w->gave_up)
        explain_exit(w, exit_code, signal_number);
    w->failure = failure_of(exit_code);
    w->facts.state = WORKER_FAILED;
    w->facts.active = w->facts.queued = 0;
    supervisor_emit(w, SUPERVISED_FAILED);
}

static void give_up_starting(struct supervised *w, uint64_t now_ms)
{
    w->gave_up = true;
    set_reason(w, "not ready after %" PRIu64 " s", w->owner->options.start_ms / 1000);
    kill_all(w, now_ms);
}

void lifecycle_step(struct supervised *w, uint64_t now_ms)
{
    bool is_over = now_ms >= w->phase_ends_ms;

    switch (w->phase) {
    case SUPERVISED_RUNNING:
        if (w->facts.state == WORKER_STARTING &&
            now_ms - w->started_ms >= w->owner->options.start_ms)
            give_up_starting(w, now_ms);
        break;
    case SUPERVISED_DRAINING:
        if (is_over)
            terminate(w, now_ms);
        break;
    case SUPERVISED_TERMINATING:
    case SUPERVISED_KILLING:
        if (is_over)
            kill_all(w, now_ms);
        break;
    case SUPERVISED_DEAD:
        if (is_over)
            supervisor_emit(w, SUPERVISED_GONE);
        return;
    }
    probe_when_due(w, now_ms);
}
