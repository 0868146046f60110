#include "release/findings.h"

#include "base/str.h"

#include <stdio.h>
#include <string.h>

/* clang-format off */
static const struct {
    bool is_error;
    const char *words; /* before the message */
} kinds[FINDING_KIND_COUNT_] = {
    [FINDING_RAISED]  = { false, "" },
    [FINDING_NOT_NOW] = { false, "in some states it answers what cannot be: " },
    [FINDING_WRONG]   = { true,  "an answer that cannot be: " },
    [FINDING_TIMEOUT] = { true,  "too slow: " },
    [FINDING_MEMORY]  = { true,  "too much memory: " },
    [FINDING_CRASH]   = { true,  "crash: " },
};

static const char *const asks[ASK_KIND_COUNT_] = {
    [ASK_SCHEDULE] = "schedule",
    [ASK_JOB]      = "schedule_job",
    [ASK_ADMIT]    = "should_admit",
    [ASK_RETRY]    = "should_retry",
    [ASK_OUTCOME]  = "on_outcome",
};
/* clang-format on */

/* A diagnostic has the place by itself: "home.lua:12: no" is "no". */
static const char *without_place(const char *message, const char *name)
{
    const char *rest = message + strlen(name);

    if (!str_starts(str_of(message), name) || *rest != ':')
        return message;
    rest++;
    size_t digits = strspn(rest, "0123456789");
    if (digits > 0 && rest[digits] == ':')
        rest += digits + 1;
    return *rest == ' ' ? rest + 1 : rest;
}

static void add(struct findings *f, const struct findings_trial *t, enum finding_kind kind,
                unsigned line, const char *message)
{
    enum ask_kind ask = t->call->kind;

    for (size_t i = 0; i < f->len; i++) {
        struct finding *it = &f->items[i];
        if (it->kind == kind && it->ask == ask && it->line == line) {
            it->count++;
            return;
        }
    }
    if (f->len == FINDINGS_MAX)
        return;
    struct finding *it = &f->items[f->len++];
    *it = (struct finding){ .kind = kind, .ask = ask, .line = line, .count = 1 };
    (void)snprintf(it->message, sizeof(it->message), "%s", without_place(message, t->name));
    (void)snprintf(it->state, sizeof(it->state), "%s", t->state);
}

/* --- Answers ---------------------------------------------------------------------- */

/* Is there anything to decide: a job, and a worker that is there? */
static bool is_serious(const struct snapshot *s)
{
    if (!snapshot_job(s, s->header.first_job))
        return false;
    for (uint32_t row = 0; row < s->header.workers; row++) {
        const struct snap_worker *worker = snapshot_worker(s, row);
        if (worker && snapshot_room(worker) > 0)
            return true;
    }
    return false;
}

static bool is_in_text(const struct findings_trial *t, const char *id)
{
    return memmem(t->source.p, t->source.len, id, strlen(id)) != NULL;
}

/* No state could make this right: who is meant is not there, and the author did not mean
 * anybody that he knows by name. */
static bool is_made_up(const struct findings_trial *t, const struct decision *d)
{
    const struct snapshot *s = t->snapshot;
    bool needs_job = d->action == DECIDE_DISPATCH || d->action == DECIDE_REJECT;
    const struct {
        const char *id;
        bool is_known;
    } ids[] = {
        { d->job_id, snapshot_find_job(s, str_of(d->job_id)) != SNAP_NONE },
        { d->worker_id, snapshot_find_worker(s, str_of(d->worker_id)) != SNAP_NONE },
        { d->hive_id, snapshot_find_pool(s, str_of(d->hive_id)) != SNAP_NONE },
    };

    if (needs_job && d->job_id[0] == '\0' && t->call->job == SNAP_NONE)
        return true;
    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]) && !t->is_changing; i++) {
        if (ids[i].id[0] != '\0' && !ids[i].is_known && !is_in_text(t, ids[i].id))
            return true;
    }
    return false;
}

static enum finding_kind kind_of_mistake(const struct findings_trial *t,
                                         const struct decisions *all)
{
    for (size_t i = 0; i < all->len; i++) {
        if (is_made_up(t, &all->items[i]))
            return FINDING_WRONG;
    }
    return FINDING_NOT_NOW;
}

static bool is_right(struct findings *f, const struct findings_trial *t,
                     const struct policy_answer *answer)
{
    static const enum finding_kind failures[POLICY_FAILURE_COUNT_] = {
        [POLICY_TIMEOUT] = FINDING_TIMEOUT, [POLICY_MEMORY] = FINDING_MEMORY,
        [POLICY_ERROR] = FINDING_RAISED,    [POLICY_LOAD] = FINDING_CRASH,
        [POLICY_INVALID] = FINDING_WRONG,   [POLICY_CRASH] = FINDING_CRASH,
    };
    char words[POLICY_MESSAGE_SIZE] = "";

    if (answer->failure != POLICY_OK) {
        enum finding_kind kind = failures[answer->failure];
        f->deaths += kind == FINDING_TIMEOUT || kind == FINDING_MEMORY || kind == FINDING_CRASH;
        add(f, t, kind, answer->line, answer->message);
        return false;
    }
    if (t->call->kind != ASK_SCHEDULE && t->call->kind != ASK_JOB)
        return true;
    if (policy_check_answer(t->snapshot, t->call->job, &answer->decisions, words, sizeof(words)) ==
        POLICY_OK)
        return true;
    add(f, t, kind_of_mistake(t, &answer->decisions), answer->line, words);
    return false;
}

void findings_judge(struct findings *f, const struct findings_trial *t,
                    const struct policy_answer *answer)
{
    bool serious = is_serious(t->snapshot), right = is_right(f, t, answer);

    f->asked[t->call->kind].calls++;
    f->asked[t->call->kind].serious += serious;
    f->asked[t->call->kind].failed += serious && !right;
}

/* --- Telling ---------------------------------------------------------------------- */

void findings_tell(const struct findings *f, struct diagnostics *d)
{
    for (size_t i = 0; i < f->len; i++) {
        const struct finding *it = &f->items[i];
        unsigned serious = f->asked[it->ask].serious, failed = f->asked[it->ask].failed;
        bool always = serious > 0 && failed == serious;
        bool is_error = kinds[it->kind].is_error || always;

        (void)diagnostics_add(
            d, !is_error, it->line, 0, "%s%s (%s, %u of %u trials; first in %s%s)",
            kinds[it->kind].words, it->message, asks[it->ask], it->count, f->asked[it->ask].calls,
            it->state, always ? "; it never worked where there was a choice" : "");
    }
}
