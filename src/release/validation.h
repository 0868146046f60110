/*
 * validation - is this policy fit to run? Loaded, tried on contexts, and measured, all in a
 * host of its own (sandbox/).
 *
 *  - syntax: it loads and has an entry point;
 *  - semantics: property-based: contexts from a seeded generator (none, one, many workers;
 *    absent, huge and hostile values) and recent real ones. Answers that no state could
 *    make right (unknown actions, wrong types, ids that are not there) are errors; what is
 *    wrong in some state only (a worker without room, an error raised on an empty context)
 *    is a warning, told once per line and kind, unless every single call failed;
 *  - performance: 1,000 workers x 1,000 jobs: a timeout or the memory limit anywhere is an
 *    error; p99 beyond half the hard limit a warning.
 */
#pragma once

#include "sandbox/sandbox.h"

struct validation;

struct validation_result {
    bool is_valid;
    struct diagnostics diagnostics;
    struct policy_info info; /* when it loaded */
    struct {
        unsigned calls;
        uint64_t p50_us, p99_us;
        size_t memory_bytes;
    } measured; /* of the performance stage, or of what came before it */
};

struct validation_options {
    enum script_language language;
    struct str source; /* copied */
    const char *name;
    /* Recent real contexts; borrowed until the end. */
    const struct region *const *recent;
    size_t recent_len;
    void (*on_done)(void *data, const struct validation_result *result); /* once, from the loop */
    void *data;
};
struct validation *validation_start(struct sandbox *s, const struct validation_options *options);
void validation_cancel(struct validation *v); /* before on_done only; frees it */

/* One context of the generator: the same number, the same context. */
enum { GENERATED_CONTEXTS = 64 };
void validation_generate(struct region *r, unsigned number, uint64_t now_ms);
/* The one to measure on. */
void validation_generate_large(struct region *r, unsigned workers, unsigned jobs, uint64_t now_ms);
