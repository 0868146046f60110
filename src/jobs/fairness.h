/*
 * fairness - weighted virtual token counters (VTC: Sheng et al., "Fairness in Serving
 * Large Language Models", OSDI 2024), one per tenant and model.
 *
 * A counter grows by what its tenant is served, weighted: (input_weight * uncached input +
 * output_weight * output) / tenant weight. Input and predicted output are charged when a
 * job is dispatched, and what was wrong is given back when it ends, so that a burst counts
 * at once. Whoever has the smallest counter is next. A tenant that becomes busy again is
 * lifted to the smallest counter of the busy ones (when there are none: to that of whoever
 * was busy last): idling earns no credit, and what is given back later does not undo it. Two
 * busy tenants of equal weight never differ by more than 2 * max(input_weight * longest
 * input, output_weight * running tokens) (the paper's bound; a test checks it).
 *
 * Without tenants there is one, "". Beyond `counters_max`, the counter that is idle longest
 * is forgotten, which a lift would by then most likely raise anyway. Pure; O(log n).
 */
#pragma once

#include "base/str.h"

#include <stddef.h>
#include <stdint.h>

struct fairness_options {
    double input_weight, output_weight; /* 1 and 2 */
    size_t counters_max;                /* 20,000 */
};
void fairness_options_init(struct fairness_options *o);

struct fairness;
struct fairness *fairness_new(const struct fairness_options *options);
void fairness_free(struct fairness *f);

/* Told of each change of the counter or weight of a busy tenant (the queue keeps its order by
 * it). Must not call back but to ask. */
typedef void fairness_moved_fn(void *data, const char *tenant_id, const char *model);
void fairness_on_moved(struct fairness *f, fairness_moved_fn *moved, void *data);

/* 1 when never said; > 0. */
void fairness_set_weight(struct fairness *f, const char *tenant_id, double weight);
double fairness_weight(const struct fairness *f, const char *tenant_id);

/* Jobs of this tenant wait for this model from now on; or none does any more. Idempotent; the
 * queue does it. */
void fairness_activate(struct fairness *f, const char *tenant_id, const char *model);
void fairness_deactivate(struct fairness *f, const char *tenant_id, const char *model);

/* Serve: tokens may be fewer than charged before (a refund is negative). Charge a job right
 * before or after it leaves the queue; a weight counts from the next charge on. */
void fairness_charge(struct fairness *f, const char *tenant_id, const char *model,
                     int64_t input_tokens, int64_t output_tokens);

/* What these tokens weigh, before the tenant's weight. */
double fairness_cost(const struct fairness *f, int64_t input_tokens, int64_t output_tokens);

/* Of an idle tenant: as it would be if its jobs came now. */
double fairness_counter(const struct fairness *f, const char *tenant_id, const char *model);

/* What it was charged over all models, by its weight, and never lifted. */
double fairness_service(const struct fairness *f, const char *tenant_id);
