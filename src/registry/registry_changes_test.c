/*
 * The change feed. Whoever keeps a copy by it alone has what the registry has: a random
 * walk through everything that changes a registry, and after each step the copy, brought
 * up to date by what changed, is compared with the original, whole.
 */
#include "registry/registry_fixture.h"

#include "base/mem.h"
#include "base/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

enum { SEEDS = 20, STEPS = 3000, SLOTS = 64, NAMES = 6, HIVES = 3, RUNS = 32 };
static const char *const models[] = { "a", "b", "c", "d", "e", "" };

/* --- The copy -------------------------------------------------------------- */

/* What others may read of each: all up to the registry's private members. */
enum {
    WORKER_BYTES = offsetof(struct worker, decode),
    HIVE_BYTES = offsetof(struct hive, in_age),
};

struct model_copy {
    char ref[MODEL_REF_SIZE];
    struct model_facts facts;
    uint64_t loads_hash;
};

struct copy {
    const struct registry *registry;
    uint64_t seen[REGISTRY_MODELS + 1]; /* since when to ask, by kind */
    uint32_t generation[REGISTRY_MODELS + 1][SLOTS];
    bool has[REGISTRY_MODELS + 1][SLOTS];
    unsigned char workers[SLOTS][WORKER_BYTES], hives[SLOTS][HIVE_BYTES];
    struct model_copy models[SLOTS];
};

static void add_load(void *data, const char *hive_id, uint64_t load_time_ms)
{
    uint64_t *sum = data;

    *sum = *sum * 31 + load_time_ms;
    for (; *hive_id; hive_id++)
        *sum = *sum * 31 + (unsigned char)*hive_id;
}

static void copy_model(const struct registry *r, const char *ref, struct model_copy *ret)
{
    memset(ret, 0, sizeof(*ret));
    (void)str_copy(ret->ref, sizeof(ret->ref), str_of(ref));
    assert_true(registry_model_facts(r, ref, &ret->facts));
    registry_visit_loads(r, ref, add_load, &ret->loads_hash);
}

static void note(struct copy *c, enum registry_kind kind, uint32_t slot, uint32_t generation,
                 const void *ptr)
{
    assert_true(slot < SLOTS);
    assert_true(generation >= c->generation[kind][slot]);
    if (ptr && !c->has[kind][slot])
        assert_true(generation > c->generation[kind][slot]);
    c->generation[kind][slot] = generation;
    c->has[kind][slot] = ptr != NULL;
}

static void note_worker(void *data, uint32_t slot, uint32_t generation, const void *ptr)
{
    struct copy *c = data;

    note(c, REGISTRY_WORKERS, slot, generation, ptr);
    if (ptr)
        memcpy(c->workers[slot], ptr, WORKER_BYTES);
}

static void note_hive(void *data, uint32_t slot, uint32_t generation, const void *ptr)
{
    struct copy *c = data;

    note(c, REGISTRY_HIVES, slot, generation, ptr);
    if (ptr)
        memcpy(c->hives[slot], ptr, HIVE_BYTES);
}

static void note_model(void *data, uint32_t slot, uint32_t generation, const void *ptr)
{
    struct copy *c = data;

    note(c, REGISTRY_MODELS, slot, generation, ptr);
    if (ptr)
        copy_model(c->registry, ptr, &c->models[slot]);
}

static void sync_copy(struct copy *c)
{
    registry_slot_fn *const visits[] = { note_worker, note_hive, note_model };

    for (enum registry_kind kind = REGISTRY_WORKERS; kind <= REGISTRY_MODELS; kind++)
        c->seen[kind] = registry_changes(c->registry, kind, c->seen[kind], visits[kind], c);
}

/* --- The comparison ----------------------------------------------------------- */

static bool same_worker(void *data, const struct worker *w)
{
    const struct copy *c = data;

    assert_true(c->has[REGISTRY_WORKERS][w->slot]);
    assert_int_equal(c->generation[REGISTRY_WORKERS][w->slot], w->generation);
    assert_memory_equal(c->workers[w->slot], w, WORKER_BYTES);
    return true;
}

static bool same_hive(void *data, const struct hive *hive)
{
    const struct copy *c = data;

    assert_true(c->has[REGISTRY_HIVES][hive->slot]);
    assert_int_equal(c->generation[REGISTRY_HIVES][hive->slot], hive->generation);
    assert_memory_equal(c->hives[hive->slot], hive, HIVE_BYTES);
    return true;
}

static size_t count_same_models(const struct copy *c)
{
    size_t known = 0;

    for (size_t i = 0; i < NAMES; i++) {
        struct model_copy now;

        if (!registry_knows_model(c->registry, models[i]))
            continue;
        known++;
        copy_model(c->registry, models[i], &now);
        assert_true(c->has[REGISTRY_MODELS][now.facts.slot]);
        assert_memory_equal(&c->models[now.facts.slot], &now, sizeof(now));
    }
    return known;
}

static size_t held(const struct copy *c, enum registry_kind kind)
{
    size_t sum = 0;

    for (size_t slot = 0; slot < SLOTS; slot++)
        sum += c->has[kind][slot];
    return sum;
}

static void assert_same(struct copy *c)
{
    const struct worker_query any = { 0 };

    assert_int_equal(registry_find(c->registry, &any, same_worker, c), held(c, REGISTRY_WORKERS));
    assert_int_equal(registry_find_hives(c->registry, false, false, same_hive, c),
                     held(c, REGISTRY_HIVES));
    assert_int_equal(count_same_models(c), held(c, REGISTRY_MODELS));
}

/* --- The walk ------------------------------------------------------------------- */

struct run {
    char worker_id[16]; /* "": none */
    struct run_tokens tokens;
    bool is_prefilled;
};

struct walk {
    struct registry *registry;
    struct rng rng;
    uint64_t now_ms;
    struct run runs[RUNS];
};

static uint32_t below(struct walk *w, uint32_t bound)
{
    return (uint32_t)rng_below(&w->rng, bound);
}

static void on_change(void *data, enum registry_change what, const struct worker *worker,
                      const struct hive *hive, const char *model)
{
    struct walk *w = data;
    (void)hive, (void)model;

    for (size_t i = 0; what == REGISTRY_WORKER_REMOVED && i < RUNS; i++)
        if (strcmp(w->runs[i].worker_id, worker->facts.id) == 0)
            w->runs[i].worker_id[0] = '\0';
}

static void any_id(struct walk *w, char prefix, uint32_t count, char *ret, size_t size)
{
    (void)snprintf(ret, size, "%c%u", prefix, below(w, count));
}

static struct worker_facts any_worker(struct walk *w)
{
    char id[16];

    any_id(w, 'w', NAMES, id, sizeof(id));
    struct worker_facts f = facts(id, models[below(w, NAMES)], 1 + below(w, 4));
    f.state = (enum worker_state)below(w, WORKER_STATE_COUNT_);
    f.queued = below(w, 2);
    f.rss_mb = below(w, 10000);
    f.has_tokens_per_s = below(w, 2);
    f.tokens_per_s = f.has_tokens_per_s ? below(w, 100) : 0;
    return f;
}

static void step_hive_report(struct walk *w)
{
    char id[16];
    struct err ignored;
    struct listed_model listed[2] = { 0 };
    struct worker_facts workers[] = { any_worker(w), any_worker(w) };
    size_t len = below(w, 3);

    any_id(w, 'h', HIVES, id, sizeof(id));
    struct hive_facts hive = hive_facts(id);
    hive.ram_free_mb = hive.ram_mb = below(w, 1000);
    hive.has_capabilities = below(w, 2);
    hive.models = listed;
    for (hive.models_len = 0; hive.models_len < below(w, 3); hive.models_len++) {
        struct listed_model *m = &listed[hive.models_len];
        (void)snprintf(m->ref, sizeof(m->ref), "%s", models[below(w, NAMES - 1)]);
        m->size_bytes = below(w, 3) * 1000U;
    }
    if (registry_check_room(w->registry, &hive, workers, len, &ignored) == 0)
        registry_hive_report(w->registry, &hive, workers, len, w->now_ms);
}

static void step_worker_report(struct walk *w)
{
    struct worker_facts worker = any_worker(w);
    struct err ignored;

    if (registry_check_room(w->registry, NULL, &worker, 1, &ignored) < 0)
        return;
    if (below(w, 20) == 0 && !registry_worker(w->registry, worker.id))
        registry_worker_static(w->registry, &worker, w->now_ms);
    else
        registry_worker_report(w->registry, &worker, w->now_ms);
}

static void step_time(struct walk *w)
{
    w->now_ms += below(w, 10) == 0 ? below(w, 30000) : below(w, 2000);
    registry_tick(w->registry, w->now_ms);
}

static void step_begin_run(struct walk *w)
{
    struct run *run = &w->runs[below(w, RUNS)];
    struct run_tokens tokens = { .prefill = below(w, 500) };

    if (*run->worker_id)
        return;
    any_id(w, 'w', NAMES, run->worker_id, sizeof(run->worker_id));
    if (!registry_worker(w->registry, run->worker_id)) {
        run->worker_id[0] = '\0';
        return;
    }
    tokens.total = tokens.prefill + below(w, 500);
    run->tokens = tokens;
    run->is_prefilled = false;
    registry_charge(w->registry, run->worker_id, &tokens, w->now_ms);
}

static void step_go_on(struct walk *w)
{
    struct run *run = &w->runs[below(w, RUNS)];

    if (!*run->worker_id)
        return;
    if (!run->is_prefilled && below(w, 3) > 0) {
        run->is_prefilled = true;
        registry_prefilled(w->registry, run->worker_id, &run->tokens, below(w, 300));
        return;
    }
    registry_release(w->registry, run->worker_id, &run->tokens, run->is_prefilled);
    registry_measured(
        w->registry, run->worker_id,
        &(struct run_figures){ .tokens_out = below(w, 300), .decode_ms = below(w, 3000) });
    run->worker_id[0] = '\0';
}

static void step_other(struct walk *w)
{
    char worker_id[16], hive_id[16];

    any_id(w, 'w', NAMES, worker_id, sizeof(worker_id));
    any_id(w, 'h', HIVES, hive_id, sizeof(hive_id));
    switch (below(w, 5)) {
    case 0:
        registry_worker_reachable(w->registry, worker_id, below(w, 2), w->now_ms);
        break;
    case 1:
        registry_worker_full(w->registry, worker_id, w->now_ms);
        break;
    case 2:
        registry_worker_leaving(w->registry, worker_id, below(w, 2));
        break;
    case 3:
        registry_reserve(w->registry, hive_id, (int64_t)below(w, 2000) - 1000);
        break;
    default:
        registry_model_wanted(w->registry, models[below(w, NAMES)], w->now_ms);
        break;
    }
}

static void take_walk(uint64_t seed)
{
    static void (*const steps[])(struct walk * w) = {
        step_hive_report, step_worker_report, step_time, step_begin_run, step_go_on, step_other,
    };
    AUTO(free_ptr) struct copy *copy = mem_alloc(1, sizeof(*copy));
    struct walk w = { .now_ms = 1000 };
    struct registry_limits limits;

    registry_limits_init(&limits);
    limits.models_max = 2; /* so that others are forgotten */
    rng_seed(&w.rng, seed);
    w.registry = registry_new(&limits, on_change, &w);
    copy->registry = w.registry;
    for (int i = 0; i < STEPS; i++) {
        steps[below(&w, sizeof(steps) / sizeof(steps[0]))](&w);
        if (below(&w, 3) == 0)
            continue; /* several changes at once */
        sync_copy(copy);
        assert_same(copy);
    }
    registry_free(w.registry);
}

static void a_copy_kept_by_the_feed_is_the_registry(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++)
        take_walk(seed);
}

/* --- By hand ---------------------------------------------------------------------- */

struct shown {
    char text[256]; /* "id " or "(slot) " for an empty one */
};

static void show_worker(void *data, uint32_t slot, uint32_t generation, const void *ptr)
{
    struct shown *shown = data;
    const struct worker *w = ptr;
    size_t len = strlen(shown->text);

    if (w) {
        assert_int_equal(w->slot, slot);
        assert_int_equal(w->generation, generation);
        (void)snprintf(shown->text + len, sizeof(shown->text) - len, "%s ", w->facts.id);
    } else {
        (void)snprintf(shown->text + len, sizeof(shown->text) - len, "(%u) ", slot);
    }
}

static uint64_t assert_shown(struct fixture *f, uint64_t since, const char *expected)
{
    struct shown shown = { "" };
    uint64_t next = registry_changes(f->registry, REGISTRY_WORKERS, since, show_worker, &shown);

    assert_string_equal(shown.text, expected);
    return next;
}

static void only_what_changed_is_shown_the_last_change_first(void **state)
{
    struct fixture *f = *state;
    struct worker_facts w[] = { facts("w1", "m", 1), facts("w2", "m", 1), facts("w3", "m", 1) };
    uint64_t since = assert_shown(f, 0, "");

    report(f, "h", w, 3);
    since = assert_shown(f, since, "w3 w2 w1 ");
    since = assert_shown(f, since, "");
    registry_charge(f->registry, "w1", &no_tokens, f->now_ms);
    since = assert_shown(f, since, "w1 ");
    pass(f, 3001); /* all of them are degraded now */
    since = assert_shown(f, since, "w3 w2 w1 ");
    (void)assert_shown(f, 0, "w3 w2 w1 ");

    uint32_t slot = worker(f, "w2")->slot;
    report(f, "h", (struct worker_facts[]){ w[0], w[2] }, 2);
    since = assert_shown(f, since, "(1) w3 w1 ");
    assert_int_equal(slot, 1);
    report(f, "h", w, 3);
    (void)assert_shown(f, since, "w3 w2 w1 ");
    assert_int_equal(worker(f, "w2")->slot, slot);
    assert_int_equal(worker(f, "w2")->generation, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(only_what_changed_is_shown_the_last_change_first,
                                        fixture_setup, fixture_teardown),
        cmocka_unit_test(a_copy_kept_by_the_feed_is_the_registry),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
