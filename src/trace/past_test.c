/* The state that a decision came from, with what was decided before it in the same message. */
#include "base/mem.h"
#include "snapshot/test_rows.h"
#include "trace/trace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct fixture {
    struct trace *trace;
    struct snapshot *s; /* model m; w1, w2 of four slots; jobs in rows 0, 1, 2 */
    uint64_t number;
};

static void set_up(struct fixture *f, size_t records_max)
{
    struct trace_options options;

    trace_options_init(&options);
    options.records_max = records_max;
    *f = (struct fixture){ .trace = trace_new(&options), .s = rows_new() };
    (void)rows_model(f->s, "m");
    (void)rows_worker(f->s, "w1", 0);
    (void)rows_worker(f->s, "w2", 0);
    (void)rows_job(f->s, "job-0", 0);
    (void)rows_job(f->s, "job-1", 0);
    (void)rows_job(f->s, "job-2", 0);
}

static void tear_down(struct fixture *f)
{
    trace_free(f->trace);
    free(f->s);
}

/* The record of a question about the job of a row, behind that of the question before it. */
static void add(struct fixture *f, uint32_t row, const struct decision *decisions, size_t len,
                uint64_t previous)
{
    const struct trace_inputs inputs = { .job_row = row, .previous = previous };
    const struct decided decided = {
        .number = ++f->number,
        .job_id = row == 0   ? "job-0"
                  : row == 1 ? "job-1"
                             : "job-2",
        .policy = "home",
        .version = "3",
        .asked_policy = "",
        .decisions = decisions,
        .decisions_len = len,
    };

    trace_add(f->trace, &decided, &inputs);
}

static void put(void *data, size_t off, const void *bytes, size_t len)
{
    memcpy((char *)data + off, bytes, len);
}

static bool carry(struct fixture *f, uint64_t number)
{
    return trace_carry(f->trace, trace_record(f->trace, number),
                       &(struct carry){ f->s, put, f->s });
}

static const struct decision to_w1 = { .action = DECIDE_DISPATCH, .worker_id = "w1" };

static void the_first_of_a_message_saw_the_snapshot_itself(void **state)
{
    struct fixture f;

    (void)state;
    set_up(&f, 10);
    add(&f, 0, &to_w1, 1, 0);
    AUTO(free_ptr) struct snapshot *before = mem_alloc(1, sizeof(*before));
    *before = *f.s;
    assert_true(carry(&f, 1));
    assert_memory_equal(before, f.s, sizeof(*before));
    tear_down(&f);
}

static void the_others_saw_what_those_before_them_decided(void **state)
{
    const struct decision several[] = { { .action = DECIDE_WAIT, .reason = "not \"yet\"" }, to_w1 };
    struct fixture f;

    (void)state;
    set_up(&f, 10);
    add(&f, 0, &to_w1, 1, 0);
    add(&f, 1, NULL, 0, 1);
    add(&f, 2, several, 2, 2);
    add(&f, 2, &to_w1, 1, 3);
    assert_true(carry(&f, 3));
    assert_int_equal(f.s->workers[0].active, 1);
    assert_int_equal(f.s->header.asked_job, 2);
    f.s->workers[0].active = 0;
    assert_true(carry(&f, 4));
    assert_int_equal(f.s->workers[0].active, 2);
    assert_int_equal(f.s->workers[1].active, 0);
    tear_down(&f);
}

static void when_a_record_of_those_before_is_gone_nobody_knows(void **state)
{
    struct fixture f;

    (void)state;
    set_up(&f, 2);
    add(&f, 0, &to_w1, 1, 0);
    add(&f, 1, &to_w1, 1, 1);
    add(&f, 2, &to_w1, 1, 2);
    assert_false(carry(&f, 3));
    tear_down(&f);
}

static void what_cannot_have_been_is_not_made_up(void **state)
{
    const struct decision to_nobody = { .action = DECIDE_DISPATCH, .worker_id = "w9" };
    struct fixture f;

    (void)state;
    set_up(&f, 10);
    add(&f, 0, &to_nobody, 1, 0);
    add(&f, 1, &to_w1, 1, 1);
    assert_false(carry(&f, 2));
    tear_down(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_of_a_message_saw_the_snapshot_itself),
        cmocka_unit_test(the_others_saw_what_those_before_them_decided),
        cmocka_unit_test(when_a_record_of_those_before_is_gone_nobody_knows),
        cmocka_unit_test(what_cannot_have_been_is_not_made_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
