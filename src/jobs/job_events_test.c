#include "jobs/job_events.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

static void assert_str(struct str got, const char *want)
{
    assert_int_equal(got.len, strlen(want));
    assert_memory_equal(got.p, want, got.len);
}

static struct job_events filled(size_t bytes_max)
{
    struct job_events e;

    job_events_init(&e, bytes_max);
    assert_int_equal(job_events_add(&e, "a", str_of("{\"n\":1}")), 1);
    assert_int_equal(job_events_add(&e, "b", str_of("{\"n\":2}")), 2);
    return e;
}

#define EVENT_1 "id: 1\nevent: a\ndata: {\"n\":1}\n\n"
#define EVENT_2 "id: 2\nevent: b\ndata: {\"n\":2}\n\n"

static void every_event_has_a_number_and_the_marker_has_none(void **state)
{
    (void)state;
    struct job_events e = filled(4096);
    job_events_close(&e, "[DONE]");
    assert_str(job_events_from(&e, 0), EVENT_1 EVENT_2 "data: [DONE]\n\n");
    assert_true(job_events_is_closed(&e));
    job_events_deinit(&e);
}

static void a_reader_resumes_after_the_event_it_names(void **state)
{
    (void)state;
    struct job_events e = filled(4096);
    uint64_t at;
    assert_true(job_events_seek(&e, 1, &at));
    assert_str(job_events_from(&e, at), EVENT_2);
    assert_true(job_events_seek(&e, 0, &at));
    assert_int_equal(at, 0);
    job_events_deinit(&e);
}

static void a_reader_that_has_everything_still_gets_the_marker(void **state)
{
    (void)state;
    struct job_events e = filled(4096);
    uint64_t at, beyond;
    job_events_close(&e, "[CANCELLED]");
    assert_true(job_events_seek(&e, 2, &at));
    assert_true(job_events_seek(&e, 999, &beyond));
    assert_int_equal(at, beyond);
    assert_str(job_events_from(&e, at), "data: [CANCELLED]\n\n");
    assert_int_equal(job_events_from(&e, job_events_end(&e)).len, 0);
    job_events_deinit(&e);
}

static void an_empty_log_can_be_read_and_closed(void **state)
{
    (void)state;
    struct job_events e;
    uint64_t at;
    job_events_init(&e, 4096);
    assert_true(job_events_seek(&e, 0, &at));
    assert_int_equal(job_events_from(&e, at).len, 0);
    job_events_close(&e, "[DONE]");
    assert_str(job_events_from(&e, at), "data: [DONE]\n\n");
    job_events_deinit(&e);
}

static void nothing_is_added_after_the_close(void **state)
{
    (void)state;
    struct job_events e = filled(4096);
    job_events_close(&e, "[DONE]");
    uint64_t end = job_events_end(&e);
    assert_int_equal(job_events_add(&e, "late", str_of("{}")), 0);
    job_events_close(&e, "[ERROR] again");
    assert_int_equal(job_events_end(&e), end);
    job_events_deinit(&e);
}

static void line_breaks_cannot_forge_events(void **state)
{
    (void)state;
    struct job_events e;
    job_events_init(&e, 4096);
    job_events_add(&e, "x", str_of("{\n\"a\":\r\n1}"));
    job_events_close(&e, "[ERROR] bad\n\nid: 9");
    assert_str(job_events_from(&e, 0),
               "id: 1\nevent: x\ndata: { \"a\":  1}\n\ndata: [ERROR] bad  id: 9\n\n");
    job_events_deinit(&e);
}

static void a_full_log_says_so_and_takes_only_the_slack(void **state)
{
    (void)state;
    struct job_events e;
    static char big[64 * 1024];
    size_t added = 0;
    memset(big, ' ', sizeof(big));
    job_events_init(&e, sizeof(big));
    assert_false(job_events_is_full(&e));
    while (job_events_add(&e, "t", (struct str){ big, sizeof(big) }))
        added++;
    assert_true(job_events_is_full(&e));
    assert_true(added > 1);
    assert_true(job_events_bytes(&e) <= sizeof(big) + JOB_EVENTS_SLACK_BYTES);
    assert_int_equal(job_events_last_id(&e), added);
    job_events_close(&e, "[DONE]");
    assert_true(job_events_is_closed(&e));
    struct str all = job_events_from(&e, 0);
    assert_memory_equal(all.p + all.len - 14, "data: [DONE]\n\n", 14);
    job_events_deinit(&e);
}

static void what_was_forgotten_cannot_be_resumed_but_the_rest_can(void **state)
{
    (void)state;
    struct job_events e = filled(4096);
    uint64_t second, at;
    assert_true(job_events_seek(&e, 1, &second));
    size_t before = job_events_bytes(&e);
    job_events_forget(&e, second + 3); /* in the middle of event 2: that one stays */
    assert_true(job_events_bytes(&e) < before);
    assert_false(job_events_seek(&e, 0, &at));
    assert_true(job_events_seek(&e, 1, &at));
    assert_int_equal(at, second);
    assert_str(job_events_from(&e, at), EVENT_2);
    assert_int_equal(job_events_add(&e, "c", str_of("{}")), 3);
    job_events_forget(&e, job_events_end(&e));
    assert_false(job_events_seek(&e, 2, &at));
    assert_true(job_events_seek(&e, 3, &at));
    assert_int_equal(job_events_from(&e, at).len, 0);
    job_events_deinit(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_event_has_a_number_and_the_marker_has_none),
        cmocka_unit_test(a_reader_resumes_after_the_event_it_names),
        cmocka_unit_test(a_reader_that_has_everything_still_gets_the_marker),
        cmocka_unit_test(an_empty_log_can_be_read_and_closed),
        cmocka_unit_test(nothing_is_added_after_the_close),
        cmocka_unit_test(line_breaks_cannot_forge_events),
        cmocka_unit_test(a_full_log_says_so_and_takes_only_the_slack),
        cmocka_unit_test(what_was_forgotten_cannot_be_resumed_but_the_rest_can),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
