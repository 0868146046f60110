/*
 * What is foreseen of a decision is what the core makes of it: a copy of the live snapshot that
 * carried it shows the same rows as the live snapshot does afterwards.
 */
#include "snapshot/carry.h"
#include "snapshot/test_live.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

struct fixture {
    struct world *w;
    struct snapshot *copy; /* that carries */
    uint64_t ask;
    struct decisions decisions;
};

static void put(void *data, size_t off, const void *bytes, size_t len)
{
    struct fixture *f = data;

    memcpy((char *)f->copy + off, bytes, len);
}

static int setup(void **state)
{
    struct fixture *f = mem_alloc(1, sizeof(*f));
    struct worker_facts workers[2] = { 0 };
    struct hive_facts hive = { .id = "h", .address = "127.0.0.1", .port = 7835 };

    f->w = make_world(1);
    f->copy = mem_alloc(1, sizeof(*f->copy));
    for (unsigned i = 0; i < 2; i++) {
        (void)snprintf(workers[i].id, sizeof(workers[i].id), "w%u", i);
        (void)snprintf(workers[i].model, sizeof(workers[i].model), "m");
        (void)snprintf(workers[i].address, sizeof(workers[i].address), "127.0.0.1");
        workers[i].port = 8080;
        workers[i].state = WORKER_READY;
        workers[i].slots = i + 1;
    }
    handle(f->w, (struct core_event){
                     .kind = CORE_HIVE_REPORT,
                     .u.report = { .hive = &hive, .workers = workers, .workers_len = 2 } });
    handle(f->w, (struct core_event){
                     .kind = CORE_POLICY,
                     .u.policy = { .name = "mine", .version = "1", .entry = POLICY_ENTRY_JOB } });
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    free_world(f->w);
    free(f->copy);
    free(f);
    return 0;
}

/* It arrives and is asked about: the copy is what whoever is asked sees. Returns its row. */
static uint32_t arrive(struct fixture *f, const char *id, enum job_priority priority)
{
    struct job_spec spec = { .priority = priority, .prompt_tokens = 100, .max_tokens = 7 };

    (void)snprintf(spec.id, sizeof(spec.id), "%s", id);
    (void)snprintf(spec.model, sizeof(spec.model), "m");
    (void)snprintf(spec.tenant_id, sizeof(spec.tenant_id), "t");
    handle(f->w, (struct core_event){ .kind = CORE_JOB_ARRIVED, .u.arrived = &spec });
    f->ask++;
    f->w->now_ms += 5;
    uint32_t row = live_sync(f->w->live, core_job(f->w->core, id), LIVE_NO_WINDOW, f->w->now_ms);
    *f->copy = *live_snapshot(f->w->live);
    return row;
}

static bool carry(struct fixture *f, uint32_t row, enum decision_action action,
                  const char *worker_id)
{
    const struct carry c = { f->copy, put, f };
    struct decision *d = &f->decisions.items[0];

    f->decisions.len = 1;
    *d = (struct decision){ .action = action, .status = 503, .code = "no", .gpu = -1 };
    (void)snprintf(d->worker_id, sizeof(d->worker_id), "%s", worker_id);
    return carry_decisions(&c, row, &f->decisions);
}

/* The core takes the same decision. */
static const struct snapshot *act(struct fixture *f)
{
    handle(f->w, (struct core_event){ .kind = CORE_POLICY_ANSWER,
                                      .u.answer = { .ask = f->ask, .decisions = &f->decisions } });
    (void)live_sync(f->w->live, NULL, LIVE_WINDOW, f->w->now_ms);
    return live_snapshot(f->w->live);
}

static void assert_carried(struct fixture *f)
{
    const struct snapshot *live = act(f), *copy = f->copy;
    struct snap_metrics metrics = copy->header.metrics;

    metrics.avg_wait_ms = live->header.metrics.avg_wait_ms;
    assert_memory_equal(&live->header.metrics, &metrics, sizeof(metrics));
    for (uint32_t row = 0; row < live->header.workers; row++)
        assert_memory_equal(&live->workers[row], &copy->workers[row], sizeof(copy->workers[row]));
    assert_int_equal(live->models[0].queued, copy->models[0].queued);
    assert_int_equal(core_jobs_of_tenant(f->w->core, "t"), copy->tenants[0].concurrent);
}

static void a_dispatch_is_carried_as_the_core_makes_it(void **state)
{
    static const char *const workers[] = { "w1", "w0", "w1" };
    struct fixture *f = *state;
    char id[8];

    for (unsigned i = 0; i < 3; i++) { /* the last two leave no room behind */
        (void)snprintf(id, sizeof(id), "%u", i);
        uint32_t row = arrive(f, id, i % 2 ? JOB_BATCH : JOB_INTERACTIVE);
        assert_true(carry(f, row, DECIDE_DISPATCH, workers[i]));
        assert_int_equal(f->copy->header.metrics.busy_workers, i);
        assert_carried(f);
    }
}

static void a_reject_and_a_wait_are_carried_too(void **state)
{
    struct fixture *f = *state;

    assert_true(carry(f, arrive(f, "1", JOB_BATCH), DECIDE_REJECT, ""));
    assert_int_equal(f->copy->header.metrics.queue_depth, 0);
    assert_carried(f);
    assert_true(carry(f, arrive(f, "2", JOB_BATCH), DECIDE_WAIT, ""));
    assert_int_equal(f->copy->header.metrics.queue_depth_batch, 1);
    assert_carried(f);
}

static void who_is_let_in_waits(void **state)
{
    struct fixture *f = *state;
    uint32_t row = arrive(f, "1", JOB_INTERACTIVE);

    carry_let_in(&(struct carry){ f->copy, put, f }, row);
    assert_int_equal(f->copy->header.metrics.queue_depth_interactive, 2);
    assert_int_equal(f->copy->models[0].queued, 2);
    carry_let_in(&(struct carry){ f->copy, put, f }, SNAP_NONE);
    carry_asked(&(struct carry){ f->copy, put, f }, 7);
    assert_int_equal(f->copy->header.asked_job, 7);
}

/* What only the core can tell ends what is carried, and changes nothing. */
static void what_cannot_be_or_changes_more_is_not_carried(void **state)
{
    struct fixture *f = *state;
    uint32_t row = arrive(f, "1", JOB_INTERACTIVE);

    assert_false(carry(f, row, DECIDE_DISPATCH, "nobody"));
    assert_false(carry(f, SNAP_NONE, DECIDE_DISPATCH, "w0"));
    assert_false(carry(f, row, DECIDE_EVICT, "w0"));
    assert_false(carry(f, row, DECIDE_START, ""));
    assert_memory_equal(f->copy, live_snapshot(f->w->live), sizeof(*f->copy));

    assert_true(carry(f, row, DECIDE_DISPATCH, "w0"));
    row = arrive(f, "2", JOB_INTERACTIVE);
    f->copy->workers[0].active = 1; /* w0 is full */
    assert_false(carry(f, row, DECIDE_DISPATCH, "w0"));
}

static void nothing_is_decided_about_a_job_that_went(void **state)
{
    struct fixture *f = *state;
    uint32_t row = arrive(f, "1", JOB_INTERACTIVE);

    (void)carry(f, SNAP_NONE, DECIDE_DISPATCH, "w1");
    f->decisions.items[1] = f->decisions.items[0];
    f->decisions.len = 2;
    assert_false(carry_decisions(&(struct carry){ f->copy, put, f }, row, &f->decisions));
    assert_int_equal(f->copy->workers[1].active, 1);

    (void)snprintf(f->decisions.items[0].job_id, JOB_ID_SIZE, "another");
    f->decisions.len = 1;
    assert_false(carry_decisions(&(struct carry){ f->copy, put, f }, row, &f->decisions));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_dispatch_is_carried_as_the_core_makes_it, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_reject_and_a_wait_are_carried_too, setup, teardown),
        cmocka_unit_test_setup_teardown(who_is_let_in_waits, setup, teardown),
        cmocka_unit_test_setup_teardown(what_cannot_be_or_changes_more_is_not_carried, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(nothing_is_decided_about_a_job_that_went, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
