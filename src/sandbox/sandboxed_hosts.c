/* What one policy can do now, its hosts, and what became of those that it lost. */
#include "base/log.h"
#include "base/mem.h"
#include "sandbox/sandboxed_private.h"

#include <stdio.h>
#include <string.h>

/* After a host could not be started, or did not load where others did. */
enum {
    RESPAWN_MS = 1000,
    TRIAL_NICENESS = 9, /* more than a live policy's: trials never starve one */
};

/* --- What it can do now -------------------------------------------------------- */

uint64_t sandboxed_now_ms(const struct sandboxed *p)
{
    return loop_now_ms(p->s->loop);
}

enum policy_failure sandboxed_unavailable(const struct sandboxed *p)
{
    if (breaker_is_open(&p->breaker, sandboxed_now_ms(p)))
        return POLICY_BREAKER;
    return p->active || !loop_timer_is_armed(&p->respawn) ? POLICY_OK : POLICY_SANDBOX_UNAVAILABLE;
}

void sandboxed_put_words(const struct sandboxed *p, enum policy_failure failure, char *ret,
                         size_t size)
{
    unsigned strikes = breaker_strikes(&p->breaker, sandboxed_now_ms(p));

    if (failure == POLICY_BREAKER)
        (void)snprintf(ret, size, "rests for %g s after %u failure%s; the last one: %s",
                       p->breaker.wait_ms / 1000.0, strikes, strikes == 1 ? "" : "s", p->trouble);
    else if (failure == POLICY_STARVED)
        (void)snprintf(ret, size, "still busy with a question that was given up");
    else
        (void)snprintf(ret, size, "no process could be started for it%s%s",
                       p->trouble[0] ? ": " : "", p->trouble);
}

enum policy_failure sandboxed_state(const struct sandboxed *p, char *ret_words, size_t size)
{
    enum policy_failure state = sandboxed_unavailable(p);
    char words[POLICY_MESSAGE_SIZE];

    ret_words[0] = '\0';
    if (state == POLICY_OK)
        return state;
    sandboxed_put_words(p, state, words, sizeof(words));
    (void)snprintf(ret_words, size, "%s: %s", p->name, words);
    return state;
}

void sandboxed_note_state(struct sandboxed *p)
{
    uint64_t retry_in_ms = breaker_retry_in_ms(&p->breaker, sandboxed_now_ms(p));

    if (retry_in_ms > 0)
        loop_timer_start(&p->retry, retry_in_ms);
    if (p->is_loaded && sandboxed_unavailable(p) != p->state_told)
        loop_timer_start(&p->tell, 0);
}

/* --- Hosts --------------------------------------------------------------------- */

int sandboxed_start_host(struct sandboxed *p, struct host **ret, struct err *err)
{
    struct process_options options = sandbox_process_options(p->s);
    unsigned patience = p->options.patience > 0 ? p->options.patience : 1;

    options.soft_ms *= patience;
    options.hard_ms *= patience;
    options.language = p->options.language;
    options.name = p->name;
    options.niceness += p->options.is_live ? 0 : TRIAL_NICENESS;
    options.want_text = p->options.want_lua && !p->is_loaded;
    options.snapshot_fd = p->view.fd;
    options.source_fd = p->source_fd;
    return host_start(p->s, &options, &sandboxed_host_events, p, ret, err);
}

bool sandboxed_is_at_start(enum policy_failure failure)
{
    return failure == POLICY_LOAD || failure == POLICY_SANDBOX_UNAVAILABLE;
}

/* What goes wrong at each start again is told once; a death each time. */
static void note_trouble(struct sandboxed *p, enum policy_failure failure, const char *words)
{
    bool is_known = strcmp(p->trouble, words) == 0;

    (void)snprintf(p->trouble, sizeof(p->trouble), "%s", words);
    if (p->options.is_live && !(is_known && sandboxed_is_at_start(failure)))
        log_warn("a policy has lost its process, or got none", LOG_STR("policy", p->name),
                 LOG_STR("error", words));
}

void sandboxed_respawn_later(struct sandboxed *p)
{
    if (p->options.is_live)
        loop_timer_start(&p->respawn, RESPAWN_MS);
}

void sandboxed_fill_up(struct sandboxed *p)
{
    struct err err;
    int rc = 0;

    if (!p->active)
        rc = sandboxed_start_host(p, &p->active, &err);
    if (rc == 0 && p->options.is_live && p->is_loaded && !p->spare)
        rc = sandboxed_start_host(p, &p->spare, &err);
    if (rc == 0)
        return;
    note_trouble(p, POLICY_SANDBOX_UNAVAILABLE, err.msg);
    sandboxed_respawn_later(p);
}

void sandboxed_on_respawn(struct loop_timer *timer)
{
    struct sandboxed *p = container_of(timer, struct sandboxed, respawn);

    sandboxed_fill_up(p);
    sandboxed_note_state(p);
}

void sandboxed_replace(struct sandboxed *p)
{
    host_end(p->active);
    p->active = TAKE(p->spare);
    p->memory_bytes = 0;
    if (p->options.is_live && !breaker_is_open(&p->breaker, sandboxed_now_ms(p)))
        sandboxed_fill_up(p);
}

void sandboxed_note_loss(struct sandboxed *p, enum policy_failure failure, const char *words)
{
    p->s->stats.kills_total[failure]++;
    note_trouble(p, failure, words);
    if (failure == POLICY_STARVED || failure == POLICY_SANDBOX_UNAVAILABLE)
        return;
    p->s->stats.strikes_total++;
    if (p->options.is_live)
        breaker_strike(&p->breaker, sandboxed_now_ms(p));
}
