/* test_release - a release with a store, files and the real policy host, for tests. */
#pragma once

#include "base/file.h"
#include "base/mem.h"
#include "release/release.h"
#include "release/test_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/test_dir.h"

#define POLICY(words)      "function schedule() return nil end -- " words "\n"
#define NAMED(name, words) "-- @name " name "\n" POLICY(words)
#define BROKEN             "function schedule(\n"

struct world {
    struct test_world w;
    struct test_dir dir;
    char store[PATH_MAX], file[PATH_MAX], drop_ins[PATH_MAX];
    struct release_options options;
    struct release *release;
    bool is_ready;
    struct err ready;
    unsigned policies, states;
    struct policy_version active; /* as last told; version 0: the built-in */
    struct policy_info info;
    enum policy_failure state;
};

struct call {
    unsigned done;
    struct deploy_result result;
    struct validation_result validation;
};

static inline void on_policy(void *data, const struct policy_version *version,
                             const struct policy_info *info)
{
    struct world *x = data;

    x->policies++;
    x->active = version ? *version : (struct policy_version){ 0 };
    if (info)
        x->info = *info;
    x->state = POLICY_OK;
    loop_stop(x->w.loop);
}

static inline void on_state(void *data, enum policy_failure unavailable, const char *words)
{
    struct world *x = data;

    (void)words;
    x->states++;
    x->state = unavailable;
}

static const struct release_events events = { .on_policy = on_policy, .on_state = on_state };

static inline void on_ready(void *data, const struct err *err)
{
    struct world *x = data;

    x->is_ready = true;
    x->ready = err ? *err : (struct err){ 0 };
    loop_stop(x->w.loop);
}

static inline void on_done(void *data, const struct deploy_result *result)
{
    struct call *c = data;

    c->done++;
    c->result = *result;
    if (result->validation)
        c->validation = *result->validation;
}

static inline int setup_with(void **state, const char *host, uint64_t (*cpu_us)(pid_t pid))
{
    struct world *x = mem_alloc(1, sizeof(*x));
    struct err err;

    test_world_open(&x->w, host, cpu_us);
    if (test_dir_make(&x->dir) < 0)
        return -1;
    (void)snprintf(x->store, sizeof(x->store), "%s/store", x->dir.path);
    (void)snprintf(x->file, sizeof(x->file), "%s/home.lua", x->dir.path);
    (void)snprintf(x->drop_ins, sizeof(x->drop_ins), "%s/policies.d", x->dir.path);
    x->options = (struct release_options){
        .store_dir = x->store,
        .drop_in_dir = x->drop_ins,
        .watches_files = true,
        .debounce_ms = 5,
        .deploys_max = 32,
        .validations_max = 4,
        .events = &events,
        .data = x,
    };
    *state = x;
    return file_make_dir(x->drop_ins, &err);
}

static inline int setup(void **state)
{
    return setup_with(state, NULL, NULL);
}

static inline int teardown(void **state)
{
    struct world *x = *state;

    release_free(x->release);
    test_world_close(&x->w);
    test_dir_remove(&x->dir);
    free(x);
    return 0;
}

/* The start, or the next one. */
static inline void begin(struct world *x)
{
    struct err err = { 0 };

    release_free(x->release);
    x->is_ready = false;
    x->policies = x->states = 0;
    x->active = (struct policy_version){ 0 };
    x->release = release_new(x->w.loop, x->w.sandbox, &x->options, &err);
    if (!x->release)
        fail_msg("%s", err.msg);
    release_begin(x->release, on_ready, x);
    assert_false(x->is_ready);
    RUN_UNTIL(&x->w, x->is_ready);
}

static inline void put(const struct world *x, const char *name, const char *text)
{
    struct err err;

    assert_int_equal(file_write_atomic(test_dir_file(&x->dir, name), str_of(text), 0600, &err), 0);
}

static inline void start_deploy(struct world *x, struct call *c, const char *name, const char *text)
{
    *c = (struct call){ .done = 0 };
    release_deploy(x->release,
                   &(struct deploy_request){ .name = name,
                                             .language = SCRIPT_LUA,
                                             .source = str_of(text),
                                             .message = "why",
                                             .activate = true },
                   on_done, c);
    assert_int_equal(c->done, 0); /* never inside the call */
}

static inline struct call deploy(struct world *x, const char *name, const char *text)
{
    struct call c;

    start_deploy(x, &c, name, text);
    RUN_UNTIL(&x->w, c.done > 0);
    assert_int_equal(c.done, 1);
    return c;
}

static inline struct call rollback(struct world *x, const char *name, uint32_t version)
{
    struct call c = { .done = 0 };

    release_rollback(x->release, name, version, on_done, &c);
    RUN_UNTIL(&x->w, c.done > 0);
    return c;
}

static inline void assert_active(const struct world *x, const char *name, uint32_t version)
{
    const struct policy_version *v = release_active(x->release);

    assert_non_null(v);
    assert_string_equal(v->name, name);
    assert_int_equal(v->version, version);
    assert_string_equal(x->active.name, name);
    assert_int_equal(x->active.version, version);
    assert_non_null(release_sandboxed(x->release));
}

static inline void assert_builtin(const struct world *x)
{
    assert_null(release_active(x->release));
    assert_null(release_sandboxed(x->release));
    assert_int_equal(x->active.version, 0);
}

static inline void pass_over(void *data, const struct policy_version *v)
{
    (void)data;
    (void)v;
}

static inline size_t versions_of(const struct world *x, const char *name)
{
    return policy_store_versions(release_store(x->release), name, pass_over, NULL);
}
