/* queen_metrics - the queen's counters: one table for /metrics and its documentation. */
#pragma once

#include "api/flight.h"
#include "base/buf.h"
#include "base/metrics.h"
#include "sandbox/sandbox.h"

struct queen;

struct metrics *queen_metrics_new(void);

void queen_count_dispatch(struct queen *q, unsigned attempt);
void queen_count_first_byte(struct queen *q, const struct flight *f);
void queen_count_tokens(struct queen *q, const struct flight *f, const struct usage *usage);

void queen_count_decision(struct queen *q, const struct decided *decided);
void queen_count_policy(struct queen *q, const struct sandbox_answer *answer);

/* `code` is 0 for a whole answer, else what it ended with. */
void queen_count_end(struct queen *q, const struct flight *f, int code);

/* Set the gauges from what is true now, then write everything. */
void queen_metrics_write(struct queen *q, struct buf *out);
