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
 * measured: decoding at 30 tokens/s (a small model on a small GPU), and what jobs/forecast.h
 * says of prefill and answers. How long a job waits for a slot is that one's rule.
 */
#include "jobs/forecast.h"
#include "snapshot/snapshot.h"

#define DECODE_TOKENS_PER_S 30.0

static double decode_speed(const struct snap_worker *w)
{
    return w->given & SNAP_HAS_SPEED && w->tokens_per_s > 0 ? w->tokens_per_s : DECODE_TOKENS_PER_S;
}

static double prefill_speed(const struct snap_worker *w)
{
    return w->prefill_tokens_per_s > 0 ? w->prefill_tokens_per_s
                                       : decode_speed(w) * FORECAST_PREFILL_PER_DECODE;
}

static double slots_of(const struct snap_worker *w)
{
    return w->slots > 0 ? w->slots : 1;
}

/* Tokens of one of its runs, on average. */
static double run_tokens(const struct snap_worker *w)
{
    uint32_t runs = w->in_flight > 0 ? w->in_flight : w->active;

    return w->in_flight_tokens > 0 && runs > 0 ? (double)w->in_flight_tokens / runs
                                               : (double)FORECAST_ANSWER_TOKENS;
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

    if (str_eq(type, "embeddings") ||
        (job->given & SNAP_HAS_PREDICTED && job->predicted_tokens == 0))
        return 0;
    if (job->given & SNAP_HAS_PREDICTED)
        return forecast_answer_tokens(job->predicted_tokens, job->max_tokens);
    return forecast_answer_tokens(model ? model->tokens_out_mean : 0, job->max_tokens);
}

uint64_t snapshot_estimated_ttft_ms(const struct snapshot *s, const struct snap_worker *w,
                                    const struct snap_job *job)
{
    return forecast_whole_ms(seconds_ahead(s, w) + (job ? seconds_of_prefill(s, w, job) : 0));
}

uint64_t snapshot_estimated_time_ms(const struct snapshot *s, const struct snap_worker *w,
                                    const struct snap_job *job)
{
    if (w->given & SNAP_HAS_ESTIMATE)
        return w->estimated_time_ms;
    if (!job)
        return forecast_whole_ms(seconds_ahead(s, w));
    return forecast_whole_ms(seconds_ahead(s, w) + seconds_of_prefill(s, w, job) +
                             (double)snapshot_predicted_tokens(s, job) / decode_speed(w));
}

/* --- Until a slot is free: jobs/forecast.h -------------------------------------- */

static void join(struct forecast *f, const struct snapshot *s, const struct snap_worker *w,
                 const struct snap_job *job, double speed_otherwise)
{
    enum snap_verdict verdict = snapshot_can_run(s, w, job);
    bool is_measured = w->given & SNAP_HAS_SPEED && w->tokens_per_s > 0;

    if (verdict != SNAP_OK && verdict != SNAP_NO_ROOM)
        return;
    forecast_add_worker(f, &(struct forecast_worker){ .slots = w->slots,
                                                      .room = snapshot_room(w),
                                                      .running = w->active,
                                                      .run_tokens = run_tokens(w),
                                                      .tokens_per_s = is_measured ? w->tokens_per_s
                                                                                  : speed_otherwise,
                                                      .prefill_per_s = w->prefill_tokens_per_s });
}

/* Those that the job may run on. */
static struct forecast workers_for(const struct snapshot *s, const struct snap_job *job,
                                   double speed_otherwise)
{
    const struct snap_model *model = snapshot_model(s, job->model);
    struct forecast f = { .run_ms = model ? model->run_ms_mean : 0 };

    if (model) {
        uint32_t row = model->first_worker;
        const struct snap_worker *w;

        for (uint32_t i = 0; i < SNAP_WORKERS_MAX && (w = snapshot_worker(s, row)); i++) {
            join(&f, s, w, job, speed_otherwise);
            row = w->next_in_model;
        }
    } else if (job->model_ref.len == 0) {
        for (uint32_t row = 0; row < SNAP_WORKERS_MAX && row < s->header.workers; row++) {
            if (snapshot_worker(s, row))
                join(&f, s, &s->workers[row], job, speed_otherwise);
        }
    }
    return f;
}

/* `jobs` more go before it. */
static void stand(struct forecast *f, uint64_t jobs, double prompt_tokens, double answer_tokens)
{
    uint64_t room = f->room > f->before ? f->room - f->before : 0;
    uint64_t left = jobs > room ? jobs - room : 0;

    f->before += jobs;
    f->ahead += left;
    f->prompt_tokens += (double)left * prompt_tokens;
    f->answer_tokens += (double)left * answer_tokens;
}

/* Those of its model that go before it. When it is not in the list, it stands where the core
 * says, else behind all that wait, shown or not; they count as it does. */
static void add_line(struct forecast *f, const struct snapshot *s, const struct snap_job *job)
{
    const struct snap_model *model = snapshot_model(s, job->model);
    uint64_t most = job->given & SNAP_HAS_BEFORE ? job->before : UINT64_MAX;
    const struct snap_job *other;
    uint32_t row = s->header.first_job;

    for (uint32_t i = 0; i < SNAP_JOBS_MAX && (other = snapshot_job(s, row)); i++) {
        if (other == job)
            return;
        if (other->model == job->model && f->before < most)
            stand(f, 1, other->prompt_tokens, (double)snapshot_predicted_tokens(s, other));
        row = other->next;
    }
    if (most == UINT64_MAX)
        most = model ? model->queued : 0;
    if (most > f->before)
        stand(f, most - f->before, job->prompt_tokens, (double)snapshot_predicted_tokens(s, job));
}

/* A policy needs a number wherever there are workers. */
uint64_t snapshot_wait_ms(const struct snapshot *s, const struct snap_job *job)
{
    struct forecast f = workers_for(s, job, 0);

    if (f.slots == 0)
        return SNAP_NOBODY_KNOWS;
    if (f.measured_slots == 0 && f.run_ms <= 0)
        f = workers_for(s, job, DECODE_TOKENS_PER_S);
    add_line(&f, s, job);
    return forecast_wait_ms(&f);
}
