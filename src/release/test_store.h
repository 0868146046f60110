/* test_store - a store in a folder of its own, for tests. */
#pragma once

#include "base/crypto.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "release/store_private.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/test_dir.h"

#include <sys/stat.h>

static const struct script_header no_header;

struct world {
    struct test_dir dir;
    struct policy_store *store;
};

static inline void reopen(struct world *w)
{
    struct err err;

    policy_store_close(w->store);
    w->store = policy_store_open(w->dir.path, &err);
    assert_non_null(w->store);
}

static inline int setup(void **state)
{
    struct world *w = mem_alloc(1, sizeof(*w));

    log_setup("store_test", LOG_ERROR, LOG_TEXT);
    if (test_dir_make(&w->dir) < 0)
        return -1;
    reopen(w);
    *state = w;
    return 0;
}

static inline int teardown(void **state)
{
    struct world *w = *state;

    policy_store_close(w->store);
    test_dir_remove(&w->dir);
    free(w);
    return 0;
}

static inline struct policy_version add_at(struct world *w, uint64_t now_ms, const char *name,
                                           const char *text)
{
    struct policy_version v;
    struct err err = { 0 };

    if (policy_store_add(w->store, name, SCRIPT_LUA, str_of(text), &no_header, "why", now_ms, &v,
                         &err) < 0)
        fail_msg("%s", err.msg);
    return v;
}

static inline struct policy_version add(struct world *w, const char *name, const char *text)
{
    return add_at(w, 1000, name, text);
}

static inline bool has(const struct world *w, const char *name, uint32_t version)
{
    struct policy_version v;
    struct err err;

    return policy_store_get(w->store, name, version, &v, &err) == 0;
}
