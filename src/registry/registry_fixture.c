#include "registry/registry_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

const struct run_tokens no_tokens;

static void note(struct fixture *f, const char *what, const char *who)
{
    size_t len = strlen(f->told);

    (void)snprintf(f->told + len, sizeof(f->told) - len, "%s %s;", what, who);
}

void fixture_note(void *data, enum registry_change what, const struct worker *worker,
                  const struct hive *hive, const char *model)
{
    struct fixture *f = data;

    switch (what) {
    case REGISTRY_WORKER_ROOM:
        note(f, "room", worker->facts.id);
        break;
    case REGISTRY_WORKER_LOST:
        note(f, "lost", worker->facts.id);
        break;
    case REGISTRY_WORKER_FAILED:
        note(f, "failed", worker->facts.id);
        break;
    case REGISTRY_WORKER_MOVED:
        note(f, "moved", worker->facts.id);
        break;
    case REGISTRY_WORKER_REMOVED:
        assert_null(registry_worker(f->registry, worker->facts.id));
        note(f, "removed", worker->facts.id);
        break;
    case REGISTRY_HIVE_REMOVED:
        note(f, "hive removed", hive->facts.id);
        break;
    case REGISTRY_MODEL_KNOWN:
        note(f, "model", model);
        break;
    }
}

void assert_told(struct fixture *f, const char *expected)
{
    assert_string_equal(f->told, expected);
    f->told[0] = '\0';
}

int fixture_setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    struct registry_limits limits;

    assert_non_null(f);
    registry_limits_init(&limits);
    limits.workers_max = 3;
    limits.hives_max = 2;
    limits.models_max = 2;
    f->now_ms = 100000;
    f->registry = registry_new(&limits, fixture_note, f);
    *state = f;
    return 0;
}

int fixture_teardown(void **state)
{
    struct fixture *f = *state;

    registry_free(f->registry);
    free(f);
    return 0;
}

struct worker_facts facts(const char *id, const char *model, uint32_t slots)
{
    struct worker_facts w = {
        .address = "127.0.0.1", .port = 8080, .state = WORKER_READY, .slots = slots
    };

    (void)str_copy(w.id, sizeof(w.id), str_of(id));
    (void)str_copy(w.model, sizeof(w.model), str_of(model));
    return w;
}

struct hive_facts hive_facts(const char *id)
{
    struct hive_facts h = { .hostname = "box", .address = "127.0.0.1", .port = 7835 };

    (void)str_copy(h.id, sizeof(h.id), str_of(id));
    h.status = HIVE_READY;
    return h;
}

void report(struct fixture *f, const char *hive_id, const struct worker_facts *workers, size_t len)
{
    struct hive_facts hive = hive_facts(hive_id);

    registry_hive_report(f->registry, &hive, workers, len, f->now_ms);
}

const struct worker *worker(struct fixture *f, const char *id)
{
    const struct worker *w = registry_worker(f->registry, id);

    assert_non_null(w);
    return w;
}

void pass(struct fixture *f, uint64_t ms)
{
    f->now_ms += ms;
    registry_tick(f->registry, f->now_ms);
}
