#include "http/sse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

static bool note(void *ctx, const struct sse_event *event)
{
    struct buf *seen = ctx;

    (void)buf_printf(seen, "[%.*s|%.*s|", STR_ARG(event->name), STR_ARG(event->id));
    if (event->data.p)
        (void)buf_add(seen, event->data.p, event->data.len);
    else
        (void)buf_puts(seen, "-");
    (void)buf_printf(seen, "|%zu]", event->raw.len);
    return true;
}

/* What a parser gives that is fed `step` bytes at a time. */
static int feed_by(struct str text, size_t step, struct buf *seen)
{
    struct sse_parser p;
    struct err err;
    int rc = 0;

    sse_init(&p);
    for (size_t at = 0; at < text.len && rc == 0; at += step) {
        size_t len = text.len - at < step ? text.len - at : step;
        rc = sse_feed(&p, (struct str){ text.p + at, len }, note, seen, &err);
    }
    sse_deinit(&p);
    return rc;
}

static void events_come_out_the_same_however_they_are_cut(void **state)
{
    static const struct {
        const char *text, *seen;
    } cases[] = {
        { "data: a\n\n", "[||a|9]" },
        { "data:a\n\n", "[||a|8]" },
        { "data:  a \n\n", "[|| a |11]" },
        { "data: a\r\n\r\ndata: b\r\n\r\n", "[||a|11][||b|11]" },
        { "data: a\r\rdata: b\n\n", "[||a|9][||b|9]" },
        { "data: a\r\n\rdata: b\n\n", "[||a|10][||b|9]" },
        { "data: a\n\rdata: b\n\n", "[||a|9][||b|9]" },
        { "data: a\ndata: b\n\n", "[||a\nb|17]" },
        { "data\ndata\n\n", "[||\n|11]" },
        { "data:\n\n", "[|||7]" },
        { "data\n\n", "[|||6]" },
        { "id: 7\nevent: token\ndata: {}\n\n", "[token|7|{}|29]" },
        { "event: a\nevent: b\ndata: x\n\n", "[b||x|27]" },
        { ": queued\n\n", "[||-|10]" },
        { "event: ping\n\n", "[ping||-|13]" },
        { "retry: 10\nfoo: bar\nnonsense\ndata: x\n\n", "[||x|37]" },
        { "\n", "[||-|1]" },
        { "\n\ndata: a\n\n\n", "[||-|1][||-|1][||a|9][||-|1]" },
        { "data: unfinished\n", "" },
        { "data: a\n\ndata: unfinished", "[||a|9]" },
        { "\xef\xbb\xbf"
          "data: a\n\n",
          "[||a|9]" },
        { "data: a\n\n\xef\xbb\xbf"
          "data: b\n\n",
          "[||a|9][||-|12]" },
        { "Data: a\n\n", "[||-|9]" },
        { " data: a\n\n", "[||-|10]" },
    };
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct str text = str_of(cases[i].text);
        for (size_t step = 1; step <= text.len; step++) {
            struct buf seen;
            buf_init(&seen, 4096);
            assert_int_equal(feed_by(text, step, &seen), 0);
            if (!str_eq(buf_str(&seen), cases[i].seen))
                fail_msg("'%s' by %zu: %s", cases[i].text, step, buf_cstr(&seen));
            buf_deinit(&seen);
        }
    }
}

struct place {
    const char *begin, *end;
    bool inside;
};

static bool note_place(void *ctx, const struct sse_event *event)
{
    struct place *place = ctx;

    place->inside = event->data.p >= place->begin && event->data.p < place->end;
    return true;
}

static void a_whole_event_is_given_without_a_copy(void **state)
{
    static const char text[] = "data: hello\n\n";
    struct place place = { text, text + sizeof(text), false };
    struct sse_parser p;
    struct err err;
    (void)state;

    sse_init(&p);
    assert_int_equal(sse_feed(&p, str_of(text), note_place, &place, &err), 0);
    assert_true(place.inside);
    assert_null(p.partial.p);
    sse_deinit(&p);
}

static bool stop_and_free(void *ctx, const struct sse_event *event)
{
    (void)event;
    sse_deinit(ctx);
    free(ctx);
    return false;
}

static void a_callback_may_stop_and_free_the_parser(void **state)
{
    struct err err;
    (void)state;

    for (size_t cut = 0; cut < 9; cut++) {
        static const char text[] = "data: a\n\ndata: b\n\n";
        struct sse_parser *p = malloc(sizeof(*p));
        assert_non_null(p);
        sse_init(p);
        assert_int_equal(sse_feed(p, (struct str){ text, cut }, stop_and_free, p, &err), 0);
        assert_int_equal(sse_feed(p, str_of(text + cut), stop_and_free, p, &err), 0);
    }
}

static void an_event_beyond_the_cap_is_an_error(void **state)
{
    static char text[SSE_EVENT_BYTES_MAX + 1];
    static const size_t steps[] = { sizeof(text), 4096, 1000 };
    (void)state;

    memset(text, 'a', sizeof(text));
    memcpy(text, "data: ", 6);
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        struct buf seen;
        buf_init(&seen, sizeof(text) + 64);
        memcpy(text + SSE_EVENT_BYTES_MAX - 2, "\n\n", 2);
        struct str longest = { text, SSE_EVENT_BYTES_MAX };
        assert_int_equal(feed_by(longest, steps[i], &seen), 0);
        assert_true(buf_len(&seen) > SSE_EVENT_BYTES_MAX / 2);

        memcpy(text + SSE_EVENT_BYTES_MAX - 2, "a\n\n", 3);
        struct str over = { text, sizeof(text) };
        assert_int_equal(feed_by(over, steps[i], &seen), ERR_LIMIT);
        buf_deinit(&seen);
    }
}

static void what_is_written_reads_back(void **state)
{
    static const struct {
        const char *id, *name, *data, *text;
    } cases[] = {
        { "1", "token", "{}", "id: 1\nevent: token\ndata: {}\n\n" },
        { NULL, NULL, "[DONE]", "data: [DONE]\n\n" },
        { NULL, NULL, "", "data: \n\n" },
        { NULL, NULL, "a\nb\r\nc\rd", "data: a\ndata: b\ndata: c\ndata: d\n\n" },
        { NULL, NULL, "a\n", "data: a\ndata: \n\n" },
        { "1\ndata: x", "a\rdata: y", "z", "id: 1\nevent: a\ndata: z\n\n" },
    };
    struct buf out;
    (void)state;

    buf_init(&out, 4096);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        buf_clear(&out);
        sse_write(&out, cases[i].id, cases[i].name, str_of(cases[i].data));
        assert_string_equal(buf_cstr(&out), cases[i].text);
    }
    buf_clear(&out);
    sse_write_comment(&out, "queued position=3\ndata: x");
    assert_string_equal(buf_cstr(&out), ": queued position=3\n\n");
    buf_deinit(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_come_out_the_same_however_they_are_cut),
        cmocka_unit_test(a_whole_event_is_given_without_a_copy),
        cmocka_unit_test(a_callback_may_stop_and_free_the_parser),
        cmocka_unit_test(an_event_beyond_the_cap_is_an_error),
        cmocka_unit_test(what_is_written_reads_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
