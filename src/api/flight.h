/*
 * flight - one job at the edge: what the client sees of it, and the run that serves
 * it. The core decides by job id; a flight is what its actions land on.
 *
 * Two kinds stand behind it: a synchronous OpenAI request (openai_flight.c) and a
 * native job whose events are kept (native_flight.c).
 */
#pragma once

#include "base/err.h"
#include "base/random.h"
#include "proxy/usage.h"
#include "scheduler/core.h"

#include <stdint.h>

struct flight;
struct queen;

enum { FLIGHT_POLICY_SIZE = 64 };

/* The core's actions, each in the words of scheduler/core.h. None may call
 * queen_event() before it returns. */
struct flight_ops {
    void (*dispatch)(struct flight *f, const struct worker *worker);
    /* `start_in_ms`: predicted; UINT64_MAX: nobody can tell. */
    void (*queued)(struct flight *f, size_t position, uint64_t start_in_ms);
    void (*fail)(struct flight *f, const struct err *err); /* the flight ends here */
};

struct flight { /* embedded first in each kind */
    const struct flight_ops *ops;
    struct queen *queen;
    char id[JOB_ID_SIZE];
    char model[MODEL_REF_SIZE];
    char worker_id[WORKER_ID_SIZE];  /* of the current attempt */
    char policy[FLIGHT_POLICY_SIZE]; /* who decided about it last */
    const char *route;               /* metrics label: "chat", "completions", "infer" ... */
    unsigned attempt;
    uint64_t arrived_us, dispatched_us, first_byte_us; /* monotonic; 0: not yet */
    struct usage usage;                                /* of a finished one */
};

/* Fill in and register under spec->id, and let the core have the job. Its answer
 * (dispatch, queued or fail) has been carried out when this returns, so the
 * flight may be gone by then. */
void flight_submit(struct flight *f, struct queen *q, const struct flight_ops *ops,
                   const char *route, const struct job_spec *spec);

/* What became of the current run; the core answers by its actions. `status` is the
 * worker's: a 4xx is an answer too. The flight is unregistered by flight_finished() and
 * flight_cancelled(), and before ops->fail. */
void flight_started(struct flight *f);
void flight_failed(struct flight *f, enum run_failure failure, const struct err *err);
void flight_finished(struct flight *f, unsigned status, const struct usage *usage);
void flight_cancelled(struct flight *f);

/* End it from our side: the core forgets it, its client is told `err`. */
void flight_abort(struct flight *f, const struct err *err);

/* What became of it, into the trace of decisions; `err` NULL: it was answered. */
void flight_trace_end(const struct flight *f, const char *state, const struct err *err);

/* Milliseconds in the queue so far, or until the current dispatch. */
uint64_t flight_queue_ms(const struct flight *f);

struct flight *flight_find(struct queen *q, const char *job_id); /* NULL: none */
