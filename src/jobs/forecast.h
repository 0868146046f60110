/*
 * forecast - when will a slot be free for a job that waits? One rule for all who ask: policies
 * (snapshot/estimate.c) and clients and operators (scheduler/core_predict.c). Pure.
 *
 * The drain estimate of Patke et al., "Queue management for SLO-oriented large language model
 * serving" (SoCC 2024; SCHEDULING row 15), over the workers that may run the job:
 *
 *     wait = one run / (running + 1)            until the first of those that run ends
 *          + answers ahead / decode speed       of all slots together
 *          + prompts ahead / prefill speed
 *
 * Each run is met at a random moment, so its rest is anything up to the whole, and the least
 * of N such rests is 1/(N + 1) of it on average. Ahead are the jobs that go before and find no
 * room themselves. Workers whose speed nobody has measured count as the others do. While none
 * has a speed (answers of one token show none) time counts instead of tokens:
 *
 *     wait = one run's time / (running + 1) + jobs ahead * one run's time / slots
 */
#pragma once

#include <stdint.h>

#define FORECAST_UNKNOWN       UINT64_MAX
#define FORECAST_MS_MAX        1000000000000000ULL /* 30,000 years: figures may be anything */
#define FORECAST_ANSWER_TOKENS 256U /* of an answer, until a model has shown its own */
#define FORECAST_PREFILL_PER_DECODE                                                              \
    30.0 /* not measured: a CPU reads 5 times as fast as it writes, a large GPU 100 to 300 times \
          */

/* One worker that may run the job. */
struct forecast_worker {
    uint32_t slots, room, running;
    double run_tokens;                  /* of one of its runs; 0: not known */
    double tokens_per_s, prefill_per_s; /* of one slot; of all. 0: not measured */
};

/* All of them, and what goes before the job. Begins zeroed. */
struct forecast {
    uint64_t slots, room, running;
    double running_tokens;
    uint64_t measured_slots;
    double decode_per_s, prefill_per_s;  /* of measured workers, all slots together */
    double run_ms;                       /* of one run, as measured; 0: none has ended */
    uint64_t before;                     /* jobs that go before it */
    uint64_t ahead;                      /* those of them that find no room */
    double prompt_tokens, answer_tokens; /* of those */
};

void forecast_add_worker(struct forecast *f, const struct forecast_worker *w);

/* From now until a slot is free for the job; 0: there is one. FORECAST_UNKNOWN: there is no
 * worker, or nothing was measured. */
uint64_t forecast_wait_ms(const struct forecast *f);

/* Tokens of an answer: as its model's are, but no more than it may have. 0: not said. */
uint64_t forecast_answer_tokens(uint64_t tokens_out_mean, int64_t max_tokens);

/* Whole milliseconds, at most FORECAST_MS_MAX. */
uint64_t forecast_whole_ms(double seconds);
