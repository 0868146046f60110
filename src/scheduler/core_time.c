/* What is due, and when: deadlines, timeouts, waits that end, housekeeping. */
#include "scheduler/core_private.h"

enum {
    /* Jobs that time out, and waits that end, in one event; as STRANDED_PER_EVENT_MAX. */
    EXPIRED_PER_EVENT_MAX = 1000,
    AGAIN_PER_EVENT_MAX = 1000,
    AGAIN_MIN = 64,
};

/* --- Waits until a time: a binary heap ------------------------------------- */

static bool comes_before(const struct job *a, const struct job *b)
{
    return a->again_ms != b->again_ms ? a->again_ms < b->again_ms : a->seq < b->seq;
}

static void put(struct core *c, size_t place, struct job *job)
{
    c->again[place] = job;
    job->again_index = place + 1;
}

static void sift_up(struct core *c, size_t place, struct job *job)
{
    while (place > 0 && comes_before(job, c->again[(place - 1) / 2])) {
        put(c, place, c->again[(place - 1) / 2]);
        place = (place - 1) / 2;
    }
    put(c, place, job);
}

static void sift_down(struct core *c, size_t place, struct job *job)
{
    size_t child;

    while ((child = 2 * place + 1) < c->again_len) {
        if (child + 1 < c->again_len && comes_before(c->again[child + 1], c->again[child]))
            child++;
        if (!comes_before(c->again[child], job))
            break;
        put(c, place, c->again[child]);
        place = child;
    }
    put(c, place, job);
}

static void remove_wait(struct core *c, struct job *job)
{
    size_t place = job->again_index - 1;
    struct job *last = c->again[--c->again_len];

    job->again_index = 0;
    job->again_ms = 0;
    if (last == job)
        return;
    if (place > 0 && comes_before(last, c->again[(place - 1) / 2]))
        sift_up(c, place, last);
    else
        sift_down(c, place, last);
}

void core_wait_until(struct core *c, struct job *job, uint64_t again_ms)
{
    if (job->again_index > 0)
        remove_wait(c, job);
    if (again_ms <= c->now_ms)
        return;
    if (c->again_len == c->again_cap) {
        c->again_cap = c->again_cap ? c->again_cap * 2 : AGAIN_MIN;
        c->again = mem_resize(c->again, c->again_cap * sizeof(struct job *));
    }
    job->again_ms = again_ms;
    c->again_len++;
    sift_up(c, c->again_len - 1, job);
}

void core_forget_waits(struct core *c)
{
    while (c->again_len > 0)
        remove_wait(c, c->again[0]);
    c->schedule_again_ms = 0;
}

/* Whoever decides is asked about it again. */
static void ask_again(struct core *c, struct job *job)
{
    if (!core_user_decides(c))
        (void)core_place(c, job);
    else if (c->policy.entry != POLICY_ENTRY_JOB)
        c->something_changed = true;
    else if (!job->question)
        core_raise(c, job, ASK_JOB)->is_announced = true;
}

static void end_waits(struct core *c)
{
    unsigned ended = 0;

    while (c->again_len > 0 && c->again[0]->again_ms <= c->now_ms &&
           ended++ < AGAIN_PER_EVENT_MAX) {
        struct job *job = c->again[0];

        remove_wait(c, job);
        ask_again(c, job);
    }
    if (c->schedule_again_ms > 0 && c->schedule_again_ms <= c->now_ms) {
        c->schedule_again_ms = 0;
        c->something_changed = true;
    }
}

/* --- Timeouts --------------------------------------------------------------- */

static struct job *oldest_parked(const struct core *c)
{
    if (list_is_empty(&c->parked))
        return NULL;
    return container_of(c->parked.next, struct question, in_line)->job;
}

static bool has_waited_too_long(const struct core *c, const struct job *job)
{
    return job && c->now_ms - job->entered_ms >= c->options.queue_timeout_ms;
}

static void expire_jobs(struct core *c)
{
    struct job *job;
    unsigned expired = 0;

    while ((job = deadlines_first(&c->deadlines)) && core_is_late(c, job) &&
           expired++ < EXPIRED_PER_EVENT_MAX)
        core_fail_late_job(c, job);
    while ((has_waited_too_long(c, job = job_queue_oldest(c->queue)) ||
            has_waited_too_long(c, job = oldest_parked(c))) &&
           expired++ < EXPIRED_PER_EVENT_MAX) {
        struct err err;

        core_explain_timeout(c, job, &err);
        core_fail_job(c, job, &err);
    }
}

/* --- Housekeeping -------------------------------------------------------------- */

static bool keeps_house(const struct core *c)
{
    const struct strategy *s = c->options.strategy;

    if (core_user_decides(c) && job_queue_stats(c->queue)->count > 0)
        return true;
    return !c->is_stopping && core_leaves_starts(c) && (s->look_around || s->starts_workers) &&
           (map_count(&c->jobs) > 0 || registry_next_due_ms(c->registry) != UINT64_MAX);
}

struct review {
    const struct job **jobs;
    size_t len, first;
};

static bool add_first_of_model(void *data, const char *model, const struct job *first)
{
    struct review *review = data;

    (void)model;
    for (size_t i = 0; i < review->first; i++) {
        if (review->jobs[i] == first)
            return true;
    }
    review->jobs[review->len++] = first;
    return review->len < REVIEWED_MAX;
}

size_t core_to_review(const struct core *c, const struct job *ret[REVIEWED_MAX])
{
    struct review review = { .jobs = ret };

    review.len = review.first = job_queue_first(c->queue, ret, PASSED_MAX);
    job_queue_models(c->queue, add_first_of_model, &review);
    return review.len;
}

/* Nothing may have changed but the time, and that may be enough. */
static void keep_house(struct core *c)
{
    if (!keeps_house(c)) {
        c->looked_ms = c->now_ms;
        return;
    }
    if (c->now_ms - c->looked_ms < c->options.housekeeping_ms)
        return;
    c->looked_ms = c->now_ms;
    if (core_leaves_starts(c) && !c->is_stopping)
        core_look_around(c);
    if (core_user_decides(c)) {
        c->something_changed = true;
        c->is_reviewing = true;
        c->review_since = c->asks;
    } else {
        core_place_first(c);
    }
}

void core_pass_time(struct core *c)
{
    registry_tick(c->registry, c->now_ms);
    job_queue_age(c->queue, c->now_ms);
    expire_jobs(c);
    core_expire_starts(c);
    end_waits(c);
    keep_house(c);
}

/* --- When next ------------------------------------------------------------------ */

static uint64_t timeout_ms(const struct core *c, const struct job *job)
{
    return job ? job->entered_ms + c->options.queue_timeout_ms : UINT64_MAX;
}

uint64_t core_next_due_ms(const struct core *c)
{
    const struct job *late = deadlines_first(&c->deadlines);
    const uint64_t dues[] = {
        registry_next_due_ms(c->registry),
        late ? late->spec.deadline_ms : UINT64_MAX,
        timeout_ms(c, job_queue_oldest(c->queue)),
        timeout_ms(c, oldest_parked(c)),
        job_queue_next_promotion_ms(c->queue),
        core_starts_due_ms(c),
        c->again_len > 0 ? c->again[0]->again_ms : UINT64_MAX,
        c->schedule_again_ms > 0 ? c->schedule_again_ms : UINT64_MAX,
        keeps_house(c) ? c->looked_ms + c->options.housekeeping_ms : UINT64_MAX,
    };
    uint64_t due_ms = UINT64_MAX;

    if (job_queue_has_doubts(c->queue))
        return c->now_ms;
    for (size_t i = 0; i < sizeof(dues) / sizeof(dues[0]); i++)
        due_ms = dues[i] < due_ms ? dues[i] : due_ms;
    return due_ms;
}
