#include "api/flight.h"

#include "api/policies.h"
#include "api/queen.h"
#include "api/queen_metrics.h"
#include "base/clock.h"

#include <assert.h>

void flight_submit(struct flight *f, struct queen *q, const struct flight_ops *ops,
                   const char *route, const struct job_spec *spec)
{
    struct core_event event = { .kind = CORE_JOB_ARRIVED, .u.arrived = spec };

    f->ops = ops;
    f->queen = q;
    f->route = route;
    f->arrived_us = clock_mono_us();
    (void)str_copy(f->id, sizeof(f->id), str_of(spec->id));
    (void)str_copy(f->model, sizeof(f->model), str_of(spec->model));
    (void)str_copy(f->policy, sizeof(f->policy), str_of(core_policy_name(q->core)));
    (void)map_put(&q->flights, str_of(f->id), f);
    queen_event(q, &event);
}

static struct core_event run_event(const struct flight *f, enum core_event_kind kind)
{
    return (struct core_event){ .kind = kind, .u.run = { .job_id = f->id, .attempt = f->attempt } };
}

static void unregister(struct flight *f)
{
    (void)map_remove(&f->queen->flights, str_of(f->id));
}

void flight_started(struct flight *f)
{
    struct core_event event = run_event(f, CORE_RUN_STARTED);

    f->first_byte_us = clock_mono_us();
    queen_count_first_byte(f->queen, f);
    queen_event(f->queen, &event);
}

void flight_failed(struct flight *f, enum run_failure failure, const struct err *err)
{
    struct core_event event = run_event(f, CORE_RUN_FAILED);

    event.u.run.failure = failure;
    event.u.run.err = *err;
    if (failure != RUN_REFUSED)
        probe_suspect(f->queen->probe, f->worker_id);
    queen_event(f->queen, &event);
}

void flight_finished(struct flight *f, unsigned status, const struct usage *usage)
{
    struct core_event event = run_event(f, CORE_RUN_FINISHED);

    event.u.run.tokens_in = usage->tokens_in;
    event.u.run.tokens_out = usage->tokens_out;
    event.u.run.cached_tokens = usage->cached_tokens;
    f->usage = *usage;
    unregister(f);
    flight_trace_end(f, "done", NULL);
    queen_count_tokens(f->queen, f, usage);
    queen_count_end(f->queen, f, status < 400 ? 0 : ERR_INVALID);
    queen_event(f->queen, &event);
}

void flight_cancelled(struct flight *f)
{
    struct core_event event = { .kind = CORE_JOB_CANCELLED, .u.cancelled = { .job_id = f->id } };

    unregister(f);
    flight_trace_end(f, "cancelled", NULL);
    queen_count_end(f->queen, f, ERR_CLIENT_GONE);
    queen_event(f->queen, &event);
}

void flight_abort(struct flight *f, const struct err *err)
{
    struct queen *q = f->queen;
    struct core_event event = { .kind = CORE_JOB_CANCELLED, .u.cancelled = { .job_id = f->id } };

    unregister(f);
    flight_trace_end(f, "failed", err);
    queen_count_end(q, f, err->code);
    queen_event(q, &event);
    f->ops->fail(f, err);
}

static uint64_t ms_between(uint64_t from_us, uint64_t to_us)
{
    return to_us > from_us ? (to_us - from_us) / 1000 : 0;
}

void flight_trace_end(const struct flight *f, const char *state, const struct err *err)
{
    const struct trace_outcome outcome = {
        .state = state,
        .worker_id = f->worker_id,
        .error_code = err ? err_wire_code(err) : "",
        .tokens_in = f->usage.tokens_in,
        .tokens_out = f->usage.tokens_out,
        .queue_ms = flight_queue_ms(f),
        .ttft_ms = ms_between(f->arrived_us, f->first_byte_us),
        .total_ms = ms_between(f->arrived_us, clock_mono_us()),
    };

    trace_job_ended(f->queen->policies->trace, f->id, &outcome);
}

uint64_t flight_queue_ms(const struct flight *f)
{
    uint64_t until_us = f->dispatched_us ? f->dispatched_us : clock_mono_us();

    return (until_us - f->arrived_us) / 1000;
}

struct flight *flight_find(struct queen *q, const char *job_id)
{
    return map_get(&q->flights, str_of(job_id));
}
