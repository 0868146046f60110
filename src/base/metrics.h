/*
 * metrics - counters, gauges and histograms as one table per program, written as
 * Prometheus text (exposition format 0.0.4).
 *
 * A family has at most METRICS_LABELS_MAX label names and METRICS_SERIES_MAX
 * series; what comes later counts under the label value "other", so that no
 * client can grow our memory. Single-threaded.
 *
 *     enum { M_REQUESTS, M_TTFT };
 *     static const struct metric_def defs[] = {
 *         [M_REQUESTS] = { METRIC_COUNTER, "rbee_requests_total", "Requests by code", { "code" } },
 *         ...
 *     };
 */
#pragma once

#include "base/buf.h"

#include <stddef.h>

enum { METRICS_LABELS_MAX = 3, METRICS_SERIES_MAX = 1000, METRICS_BUCKETS_MAX = 24 };

enum metric_kind { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };

struct metric_def {
    enum metric_kind kind;
    const char *name; /* with prefix rbee_ and base units: _total, _seconds, _bytes */
    const char *help;
    const char *labels[METRICS_LABELS_MAX]; /* names; NULL ends early */
    const double *buckets; /* METRIC_HISTOGRAM: upper bounds, ascending, ends with 0; NULL: the
                              default latency buckets of 1 ms to 240 s */
};

struct metrics;

struct metrics *metrics_new(const struct metric_def *defs, size_t defs_len); /* defs borrowed */
void metrics_free(struct metrics *m);

/* `values`: one string per label of the family, in its order; NULL when it has none. */
void metrics_add(struct metrics *m, size_t metric, const char *const *values, double by);
void metrics_set(struct metrics *m, size_t metric, const char *const *values, double value);
/* A counter that somebody else keeps: to its total now. */
void metrics_set_total(struct metrics *m, size_t metric, const char *const *values, double total);
void metrics_observe(struct metrics *m, size_t metric, const char *const *values, double value);

/* Drop a gauge's every series, before those that are true now are set: what has gone
 * (a worker, say) is then not in the page any more. */
void metrics_clear(struct metrics *m, size_t metric);

void metrics_write(const struct metrics *m, struct buf *out);
