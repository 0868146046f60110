/* registry_fixture - a small registry, a clock turned by hand and what was told: for tests. */
#pragma once

#include "registry/registry.h"

#include <stdint.h>

struct fixture {
    struct registry *registry; /* 3 workers, 2 hives, 2 remembered models at most */
    uint64_t now_ms;
    char told[1024]; /* "room w1;lost w1;" since the last look */
};
extern const struct run_tokens no_tokens;

int fixture_setup(void **state);
int fixture_teardown(void **state);

/* The registry's on_change, `data` a struct fixture. */
void fixture_note(void *data, enum registry_change what, const struct worker *worker,
                  const struct hive *hive, const char *model);
void assert_told(struct fixture *f, const char *expected); /* and forget it */

/* Reports that pass their checks; a worker is ready. */
struct worker_facts facts(const char *id, const char *model, uint32_t slots);
struct hive_facts hive_facts(const char *id);
void report(struct fixture *f, const char *hive_id, const struct worker_facts *workers, size_t len);

const struct worker *worker(struct fixture *f, const char *id); /* which is there */
void pass(struct fixture *f, uint64_t ms);                      /* and tick */
