/*
 * validation - is this policy fit to run? Loaded, tried on contexts, and measured, all in a
 * host of its own (sandbox/). One question after the other, so that the loop never waits;
 * contexts are made on another thread.
 *
 *  - syntax: it loads and has an entry point;
 *  - semantics: property-based: contexts from a seeded generator (none, one, many workers;
 *    absent, huge and hostile values) and recent real ones. Answers that no state could
 *    make right (unknown actions, wrong types, ids that are neither there nor in the text)
 *    are errors; what is wrong in some state only (a worker without room, an error raised
 *    for want of a field) is a warning, told once per line and kind, with the state where it was
 *    first, unless every call of that kind failed that had a job and a worker to decide
 *    about;
 *  - performance: 1,000 workers x 1,000 jobs: a timeout, a crash or the memory limit
 *    anywhere is an error, and the third ends the trial; p99 beyond half the hard limit is
 *    a warning.
 *
 * A machine without time for it is not the policy's fault: what starves is tried again for
 * some seconds, and then the policy stays untried.
 */
#pragma once

#include "sandbox/sandbox.h"

struct validation;

enum {
    VALIDATION_SLOW_US = 25 * 1000, /* half the hard limit */
    VALIDATION_RECENT_MAX = 16,
};

struct validation_result {
    bool is_valid;
    bool is_untried; /* nobody's fault: no host could be had, or the machine was too busy */
    struct diagnostics diagnostics;
    struct policy_info info; /* when it loaded */
    struct {
        unsigned calls;
        uint64_t p50_us, p99_us;
        size_t memory_bytes;
    } measured; /* of the performance stage, or of what came before it */
    struct {
        unsigned generated, real;
    } tried; /* contexts; how many of the real ones there are depends on the traffic */
};

/* A recent real context. */
struct validation_context {
    const struct region *region;
    const char *name; /* in messages: "the state of decision 17" */
};

struct validation_options {
    enum script_language language;
    struct str source; /* copied */
    const char *name;
    /* Recent real contexts; all borrowed until the end. They may go on changing: no answer to
     * them is an error, but one that does not come is. */
    const struct validation_context *recent;
    size_t recent_len;
    void (*on_done)(void *data, const struct validation_result *result); /* once, from the loop */
    void *data;
};
struct validation *validation_start(struct loop *loop, struct sandbox *s,
                                    const struct validation_options *options);
void validation_cancel(struct validation *v); /* before on_done only; frees it */

/* One context of the generator into an empty region: the same number, the same context. Any
 * thread. */
enum { GENERATED_CONTEXTS = 64 };
void validation_generate(struct region *r, unsigned number, uint64_t now_ms);
void validation_generated_name(unsigned number, char *ret, size_t size);
/* The one to measure on. */
void validation_generate_large(struct region *r, unsigned workers, unsigned jobs, uint64_t now_ms);
