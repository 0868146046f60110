#include "sandbox/wire.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

/* Every array filled to its brim with `c`. */
static void fill(char *text, size_t size, char c)
{
    memset(text, c, size - 1);
    text[size - 1] = '\0';
}

static void make_answer(struct policy_answer *a)
{
    *a = (struct policy_answer){ .failure = POLICY_ERROR, .line = 7, .yes = true, .log_cut = true };
    fill(a->message, sizeof(a->message), 'm');
    a->decisions.len = DECISIONS_MAX;
    for (size_t i = 0; i < DECISIONS_MAX; i++) {
        struct decision *d = &a->decisions.items[i];
        *d = (struct decision){ .action = DECIDE_REJECT, .gpu = DECISION_GPU_ANY, .status = 503 };
        fill(d->job_id, sizeof(d->job_id), 'j');
        fill(d->worker_id, sizeof(d->worker_id), 'w');
        fill(d->hive_id, sizeof(d->hive_id), 'h');
        fill(d->model, sizeof(d->model), 'o');
        fill(d->code, sizeof(d->code), 'c');
        fill(d->reason, sizeof(d->reason), 'r');
    }
    a->delay_ms = 12;
    a->log_len = sizeof(a->log);
    memset(a->log, '\n', sizeof(a->log));
    a->metrics_len = POLICY_METRICS_MAX;
    for (size_t i = 0; i < POLICY_METRICS_MAX; i++) {
        fill(a->metrics[i].name, sizeof(a->metrics[i].name), 'n');
        a->metrics[i].value = 0.5;
    }
    a->scores_len = POLICY_SCORES_MAX;
    for (size_t i = 0; i < POLICY_SCORES_MAX; i++)
        a->scores[i] = (struct policy_score){ (uint32_t)i, -1.5 };
    a->memory_bytes = 1 << 20;
}

static const struct wire_answer_head one = { .seq = 42, .time_us = 99 };

static bool put(struct buf *b, const struct policy_answer *a)
{
    wire_begin_answers(b);
    return wire_add_answer(b, &one, a);
}

/* The one answer of a message. */
static bool take(struct str message, struct policy_answer *ret)
{
    struct wire_answer_head head;
    struct str rest;

    return wire_open_answers(message, &rest) && wire_take_answer(&rest, &head, ret) &&
           head.seq == one.seq && head.time_us == one.time_us && !head.is_last && rest.len == 0;
}

static void the_largest_answer_arrives_as_it_was_sent(void **state)
{
    struct policy_answer *sent = mem_alloc(2, sizeof(*sent)), *got = sent + 1;
    struct buf b;

    (void)state;
    buf_init(&b, WIRE_MESSAGE_BYTES_MAX);
    make_answer(sent);
    assert_true(put(&b, sent));
    assert_true(take(buf_str(&b), got));
    assert_memory_equal(sent, got, sizeof(*sent));
    assert_in_range(buf_len(&b), 1, WIRE_MESSAGE_BYTES_MAX - WIRE_ANSWERS_BYTES);
    buf_deinit(&b);
    free(sent);
}

static void answers_of_a_message_are_taken_one_after_the_other(void **state)
{
    AUTO(free_ptr) struct policy_answer *a = mem_alloc(1, sizeof(*a));
    struct wire_answer_head head = { .seq = 7 };
    struct str rest;
    struct buf b;

    (void)state;
    buf_init(&b, WIRE_MESSAGE_BYTES_MAX);
    wire_begin_answers(&b);
    assert_false(wire_open_answers(buf_str(&b), &rest)); /* none */
    for (a->delay_ms = 0; a->delay_ms < 3; a->delay_ms++, head.seq++) {
        head.is_last = a->delay_ms == 2;
        assert_true(wire_add_answer(&b, &head, a));
    }
    assert_true(wire_open_answers(buf_str(&b), &rest));
    for (unsigned i = 0; i < 3; i++) {
        assert_true(wire_take_answer(&rest, &head, a));
        assert_int_equal(head.seq, 7 + i);
        assert_int_equal(head.is_last, i == 2);
        assert_int_equal(a->delay_ms, i);
    }
    assert_int_equal(rest.len, 0);
    buf_deinit(&b);
}

static void no_message_is_taken_that_is_cut_or_longer(void **state)
{
    AUTO(free_ptr) struct policy_answer *a = mem_alloc(1, sizeof(*a));
    struct buf b;

    (void)state;
    buf_init(&b, WIRE_MESSAGE_BYTES_MAX);
    make_answer(a);
    a->decisions.len = 2;
    assert_true(put(&b, a));
    for (size_t len = 0; len < buf_len(&b); len++)
        assert_false(take((struct str){ b.p, len }, a));
    assert_true(buf_putc(&b, '\0'));
    assert_false(take(buf_str(&b), a));
    buf_deinit(&b);
}

static void what_people_will_read_is_made_printable(void **state)
{
    AUTO(free_ptr) struct policy_answer *a = mem_alloc(1, sizeof(*a));
    struct buf b;

    (void)state;
    buf_init(&b, WIRE_MESSAGE_BYTES_MAX);
    (void)str_copy(a->message, sizeof(a->message), str_of("a\nb\x1b[2J\x7f\xff caf\xc3\xa9"));
    a->log_len = 12;
    memcpy(a->log, "info x\r\ny\0z\n", a->log_len);
    assert_true(put(&b, a));
    assert_true(take(buf_str(&b), a));
    assert_string_equal(a->message, "a?b?[2J?? caf\xc3\xa9");
    assert_memory_equal(a->log, "info x?\ny?z\n", a->log_len);
    buf_deinit(&b);
}

static void a_metric_that_is_no_number_is_left_out(void **state)
{
    AUTO(free_ptr) struct policy_answer *a = mem_alloc(1, sizeof(*a));
    struct buf b;

    (void)state;
    buf_init(&b, WIRE_MESSAGE_BYTES_MAX);
    a->metrics_len = 3;
    a->metrics[0] = (struct policy_metric){ "one", NAN };
    a->metrics[1] = (struct policy_metric){ "two", 2 };
    a->metrics[2] = (struct policy_metric){ "three", INFINITY };
    assert_true(put(&b, a));
    assert_true(take(buf_str(&b), a));
    assert_int_equal(a->metrics_len, 1);
    assert_string_equal(a->metrics[0].name, "two");
    buf_deinit(&b);
}

/* A failure that only the queen may state, an action that does not exist, a length that lies. */
static void an_answer_that_claims_what_cannot_be_is_refused(void **state)
{
    AUTO(free_ptr) struct policy_answer *a = mem_alloc(1, sizeof(*a));
    struct buf b;

    (void)state;
    buf_init(&b, WIRE_MESSAGE_BYTES_MAX);
    a->failure = POLICY_BREAKER;
    assert_true(put(&b, a));
    assert_false(take(buf_str(&b), a));

    *a = (struct policy_answer){ .decisions.len = 1 };
    a->decisions.items[0].action = DECISION_ACTION_COUNT_;
    assert_true(put(&b, a));
    assert_false(take(buf_str(&b), a));

    *a = (struct policy_answer){ .message = "x" };
    assert_true(put(&b, a));
    enum { AT_MESSAGE = 1 + 8 + 8 + 1 + 4 };
    memset(b.p + AT_MESSAGE, 0xff, 4);
    assert_false(take(buf_str(&b), a));
    buf_deinit(&b);
}

static void questions_arrive_with_what_their_kind_needs(void **state)
{
    struct policy_call sent[2] = {
        { .kind = ASK_RETRY, .job = 3, .seed = 5, .attempt = 2 },
        { .kind = ASK_OUTCOME, .want_scores = true },
    };
    AUTO(free_ptr) struct policy_call *got = mem_alloc(WIRE_CALLS_MAX, sizeof(*got));
    uint64_t seq;
    size_t len;
    struct buf b;

    (void)state;
    buf_init(&b, WIRE_MESSAGE_BYTES_MAX);
    fill(sent[0].error_code, sizeof(sent[0].error_code), 'c');
    fill(sent[0].error_message, sizeof(sent[0].error_message), 'm');
    fill(sent[1].outcome.state, sizeof(sent[1].outcome.state), 's');
    fill(sent[1].outcome.worker_id, sizeof(sent[1].outcome.worker_id), 'w');
    sent[1].outcome.total_ms = UINT64_MAX;
    assert_true(wire_put_calls(&b, 7, sent, 2));
    assert_true(wire_get_calls(buf_str(&b), &seq, got, &len));
    assert_int_equal(seq, 7);
    assert_int_equal(len, 2);
    assert_memory_equal(sent, got, sizeof(sent));
    assert_false(wire_get_calls((struct str){ b.p, buf_len(&b) - 1 }, &seq, got, &len));
    assert_true(wire_put_calls(&b, 7, sent, 0));
    assert_false(wire_get_calls(buf_str(&b), &seq, got, &len));
    buf_deinit(&b);
}

static void the_most_questions_of_a_message_fit(void **state)
{
    AUTO(free_ptr) struct policy_call *calls = mem_alloc(WIRE_CALLS_MAX + 1, sizeof(*calls));
    uint64_t seq;
    size_t len;
    struct buf b;

    (void)state;
    buf_init(&b, WIRE_MESSAGE_BYTES_MAX);
    for (size_t i = 0; i <= WIRE_CALLS_MAX; i++) {
        calls[i].kind = ASK_RETRY;
        fill(calls[i].error_message, sizeof(calls[i].error_message), 'm');
    }
    assert_true(wire_put_calls(&b, 1, calls, WIRE_CALLS_MAX));
    assert_true(wire_get_calls(buf_str(&b), &seq, calls, &len));
    assert_int_equal(len, WIRE_CALLS_MAX);
    assert_true(wire_put_calls(&b, 1, calls, WIRE_CALLS_MAX + 1));
    assert_false(wire_get_calls(buf_str(&b), &seq, calls, &len));
    buf_deinit(&b);
}

static void a_loaded_policy_tells_who_it_is(void **state)
{
    struct wire_loaded *sent = mem_alloc(2, sizeof(*sent)), *got = sent + 1;
    struct buf b;

    (void)state;
    buf_init(&b, WIRE_MESSAGE_BYTES_MAX);
    sent->info.entry = POLICY_ENTRY_JOB;
    sent->info.hooks = POLICY_HOOK_ADMIT | POLICY_HOOK_OUTCOME;
    sent->info.starts_workers = sent->has_seccomp = true;
    fill(sent->info.header.description, sizeof(sent->info.header.description), 'd');
    for (int i = 0; i < DIAGNOSTICS_MAX + 5; i++)
        (void)diagnostics_add(&sent->diagnostics, true, 3, 4, "%0255d", i);
    assert_true(wire_put_loaded(&b, sent));
    assert_true(wire_get_loaded(buf_str(&b), got));
    assert_memory_equal(sent, got, sizeof(*sent));
    assert_false(wire_get_refused(buf_str(&b), &got->diagnostics));
    assert_true(wire_put_refused(&b, &sent->diagnostics));
    assert_true(wire_get_refused(buf_str(&b), &got->diagnostics));
    assert_int_equal(got->diagnostics.warnings, DIAGNOSTICS_MAX + 5);
    buf_deinit(&b);
    free(sent);
}

static void lua_text_comes_in_pieces_and_ends(void **state)
{
    const uint32_t map[] = { 3, 1, 2 };
    struct script_lua lua;
    struct buf b;
    bool is_last;

    (void)state;
    buf_init(&b, WIRE_MESSAGE_BYTES_MAX);
    script_lua_init(&lua);
    assert_true(wire_put_text(&b, str_of("one\n"), map, 2, false));
    assert_true(wire_get_text(buf_str(&b), &lua, &is_last));
    assert_false(is_last);
    assert_true(wire_put_text(&b, str_of("two"), map + 2, 1, true));
    assert_true(wire_get_text(buf_str(&b), &lua, &is_last));
    assert_true(is_last);
    assert_string_equal(buf_cstr(&lua.text), "one\ntwo");
    assert_int_equal(script_lua_line(&lua, 3), 2);
    assert_true(wire_put_text(&b, str_of(""), NULL, 0, false));
    assert_false(wire_get_text(buf_str(&b), &lua, &is_last));
    script_lua_deinit(&lua);
    buf_deinit(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_largest_answer_arrives_as_it_was_sent),
        cmocka_unit_test(answers_of_a_message_are_taken_one_after_the_other),
        cmocka_unit_test(no_message_is_taken_that_is_cut_or_longer),
        cmocka_unit_test(what_people_will_read_is_made_printable),
        cmocka_unit_test(a_metric_that_is_no_number_is_left_out),
        cmocka_unit_test(an_answer_that_claims_what_cannot_be_is_refused),
        cmocka_unit_test(questions_arrive_with_what_their_kind_needs),
        cmocka_unit_test(the_most_questions_of_a_message_fit),
        cmocka_unit_test(a_loaded_policy_tells_who_it_is),
        cmocka_unit_test(lua_text_comes_in_pieces_and_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
