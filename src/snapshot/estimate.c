/*
 * How long will it take? SCHEDULING's worker model, rows 15 (QLM) and 19 (Mooncake), with what
 * is known from outside an engine: speeds of prefill and of one run's decoding.
 *
 *     a worker's time = what is ahead of it + uncached prompt / prefill speed
 *                       + answer / decode speed
 *     ahead           = queued prefill / prefill speed
 *                       + without room: (half the running tokens + those that its engine
 *                         queues) / (slots * decode speed)
 *                       + while it loads: the rest of its load time
 *
 * Half of what runs, because a run that is met at random is half done. Where nothing was
 * measured: decoding at 30 tokens/s (a small model on a small GPU), prefill 30 times as fast as
 * decoding (a CPU does 5 times, a large GPU 100 to 300 times), answers of 256 tokens.
 */
#include "snapshot/snapshot.h"

#define DECODE_TOKENS_PER_S 30.0
#define PREFILL_PER_DECODE  30.0
#define ANSWER_TOKENS       256U
#define MS_MAX              1e15 /* contexts made by hand may say anything */

static uint64_t whole_ms(double seconds)
{
    double ms = seconds * 1000;

    return ms >= MS_MAX ? (uint64_t)MS_MAX : ms > 0 ? (uint64_t)ms : 0;
}

static double decode_speed(const struct snap_worker *w)
{
    return w->given & SNAP_HAS_SPEED && w->tokens_per_s > 0 ? w->tokens_per_s : DECODE_TOKENS_PER_S;
}

static double prefill_speed(const struct snap_worker *w)
{
    return w->prefill_tokens_per_s > 0 ? w->prefill_tokens_per_s
                                       : decode_speed(w) * PREFILL_PER_DECODE;
}

static double slots_of(const struct snap_worker *w)
{
    return w->slots > 0 ? w->slots : 1;
}

/* Tokens of one of its runs, on average. */
static double run_tokens(const struct snap_worker *w)
{
    uint32_t runs = w->in_flight > 0 ? w->in_flight : w->active;

    return w->in_flight_tokens > 0 && runs > 0 ? (double)w->in_flight_tokens / runs : ANSWER_TOKENS;
}

/* Its own, else its model's on its pool, else on any. */
static uint64_t load_time_ms(const struct snapshot *s, const struct snap_worker *w)
{
    const struct snap_model *model = snapshot_model(s, w->model);

    if (w->given & SNAP_HAS_LOAD || !model || model->loads_len == 0)
        return w->load_time_ms;
    for (size_t i = 0; i < model->loads_len && i < SNAP_LOADS_MAX; i++) {
        if (model->loads[i].pool == w->pool)
            return model->loads[i].load_time_ms;
    }
    return model->loads[0].load_time_ms;
}

static double seconds_ahead(const struct snapshot *s, const struct snap_worker *w)
{
    double seconds = (double)w->queued_prefill_tokens / prefill_speed(w);
    uint64_t resident_ms = snapshot_residency_ms(s, w), load_ms = load_time_ms(s, w);

    if (snapshot_is_available(w) && snapshot_room(w) == 0)
        seconds += run_tokens(w) * (w->active / 2.0 + w->queued) / (slots_of(w) * decode_speed(w));
    if (w->status == SNAP_STARTING && load_ms > resident_ms)
        seconds += (double)(load_ms - resident_ms) / 1000;
    return seconds;
}

static double seconds_of_prefill(const struct snapshot *s, const struct snap_worker *w,
                                 const struct snap_job *job)
{
    return snapshot_uncached_tokens(job, (uint32_t)(w - s->workers)) / prefill_speed(w);
}

uint64_t snapshot_predicted_tokens(const struct snapshot *s, const struct snap_job *job)
{
    const struct snap_model *model = snapshot_model(s, job->model);
    struct str type = snapshot_text(s, job->type);
    uint64_t tokens = ANSWER_TOKENS;

    if (str_eq(type, "embeddings"))
        return 0;
    if (job->given & SNAP_HAS_PREDICTED)
        tokens = job->predicted_tokens;
    else if (model && model->tokens_out_mean > 0)
        tokens = model->tokens_out_mean;
    return job->max_tokens > 0 && (uint64_t)job->max_tokens < tokens ? (uint64_t)job->max_tokens
                                                                     : tokens;
}

uint64_t snapshot_estimated_ttft_ms(const struct snapshot *s, const struct snap_worker *w,
                                    const struct snap_job *job)
{
    return whole_ms(seconds_ahead(s, w) + (job ? seconds_of_prefill(s, w, job) : 0));
}

uint64_t snapshot_estimated_time_ms(const struct snapshot *s, const struct snap_worker *w,
                                    const struct snap_job *job)
{
    if (w->given & SNAP_HAS_ESTIMATE)
        return w->estimated_time_ms;
    if (!job)
        return whole_ms(seconds_ahead(s, w));
    return whole_ms(seconds_ahead(s, w) + seconds_of_prefill(s, w, job) +
                    (double)snapshot_predicted_tokens(s, job) / decode_speed(w));
}

/* --- Until a slot is free -------------------------------------------------------- */

/* The workers that a job may run on, together. */
struct crowd {
    uint32_t workers;
    uint64_t room, running;
    double decode_per_s, prefill_per_s, running_tokens;
};

static void join(struct crowd *c, const struct snapshot *s, const struct snap_worker *w,
                 const struct snap_job *job)
{
    enum snap_verdict verdict = snapshot_can_run(s, w, job);

    if (verdict != SNAP_OK && verdict != SNAP_NO_ROOM)
        return;
    c->workers++;
    c->room += snapshot_room(w);
    c->running += w->active;
    c->running_tokens += run_tokens(w) * w->active;
    c->decode_per_s += slots_of(w) * decode_speed(w);
    c->prefill_per_s += prefill_speed(w);
}

static struct crowd crowd_of(const struct snapshot *s, const struct snap_job *job)
{
    const struct snap_model *model = snapshot_model(s, job->model);
    struct crowd c = { 0 };

    if (model) {
        uint32_t row = model->first_worker;
        const struct snap_worker *w;

        for (uint32_t i = 0; i < SNAP_WORKERS_MAX && (w = snapshot_worker(s, row)); i++) {
            join(&c, s, w, job);
            row = w->next_in_model;
        }
    } else if (job->model_ref.len == 0) {
        for (uint32_t row = 0; row < SNAP_WORKERS_MAX && row < s->header.workers; row++) {
            if (snapshot_worker(s, row))
                join(&c, s, &s->workers[row], job);
        }
    }
    return c;
}

/* Those of its model that go before it and find no room. */
struct crush {
    uint64_t jobs;
    double prompt_tokens, answer_tokens;
};

static void stand(struct crush *c, uint64_t room, double prompt_tokens, double answer_tokens)
{
    if (c->jobs++ < room)
        return;
    c->prompt_tokens += prompt_tokens;
    c->answer_tokens += answer_tokens;
}

static struct crush crush_before(const struct snapshot *s, const struct snap_job *job,
                                 uint64_t room)
{
    const struct snap_model *model = snapshot_model(s, job->model);
    const struct snap_job *other;
    struct crush c = { 0 };
    uint32_t row = s->header.first_job;

    for (uint32_t i = 0; i < SNAP_JOBS_MAX && (other = snapshot_job(s, row)); i++) {
        if (other == job)
            return c;
        if (other->model == job->model)
            stand(&c, room, other->prompt_tokens, (double)snapshot_predicted_tokens(s, other));
        row = other->next;
    }
    /* It is not in the list: behind all that wait, shown or not. */
    uint64_t unseen = model && model->queued > c.jobs ? model->queued - c.jobs : 0;
    uint64_t placed = room > c.jobs ? room - c.jobs : 0;

    c.jobs += unseen;
    if (unseen > placed) {
        c.prompt_tokens += (double)(unseen - placed) * job->prompt_tokens;
        c.answer_tokens += (double)(unseen - placed) * (double)snapshot_predicted_tokens(s, job);
    }
    return c;
}

uint64_t snapshot_wait_ms(const struct snapshot *s, const struct snap_job *job)
{
    struct crowd crowd = crowd_of(s, job);

    if (crowd.workers == 0)
        return SNAP_NOBODY_KNOWS;

    struct crush crush = crush_before(s, job, crowd.room);
    double half_a_run =
        crowd.running > 0 ? crowd.running_tokens / (double)crowd.running / 2 : ANSWER_TOKENS / 2.0;
    if (crush.jobs < crowd.room)
        return 0;
    return whole_ms((crush.answer_tokens + half_a_run) / crowd.decode_per_s +
                    crush.prompt_tokens / crowd.prefill_per_s);
}
