#include "engine/text_filter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

struct run {
    struct buf text;
    bool stopped;
    size_t longest_wait; /* bytes fed but not given out, at most */
};

static void feed_all(const char *const *pieces, const struct str *stops, size_t stops_len,
                     struct run *r)
{
    struct text_filter f;
    size_t fed = 0;

    *r = (struct run){ 0 };
    buf_init(&r->text, 4096);
    text_filter_init(&f, stops, stops_len);
    for (size_t i = 0; pieces[i] && !r->stopped; i++) {
        struct str out = text_filter_feed(&f, str_of(pieces[i]), &r->stopped);
        assert_true(buf_add(&r->text, out.p, out.len));
        fed += strlen(pieces[i]);
        if (fed - buf_len(&r->text) > r->longest_wait && !r->stopped)
            r->longest_wait = fed - buf_len(&r->text);
    }
    if (!r->stopped) {
        struct str out = text_filter_finish(&f);
        assert_true(buf_add(&r->text, out.p, out.len));
    }
    text_filter_deinit(&f);
}

static void characters_and_stop_sequences_come_out_whole(void **state)
{
    static const struct {
        const char *name;
        const char *pieces[8];
        const char *stops[4];
        const char *text;
        bool stopped;
    } cases[] = {
        { "plain", { "Hello", ", ", "world" }, { NULL }, "Hello, world", false },
        { "blanks", { " ", "\n", " a ", " " }, { NULL }, " \n a  ", false },
        { "empty piece", { "a", "", "b" }, { NULL }, "ab", false },
        { "character over two tokens", { "caf\xC3", "\xA9!" }, { NULL }, "caf\xC3\xA9!", false },
        { "emoji byte by byte",
          { "\xF0", "\x9F", "\x98", "\x80" },
          { NULL },
          "\xF0\x9F\x98\x80",
          false },
        { "unfinished at the end", { "a", "\xE2\x82" }, { NULL }, "a", false },
        { "never valid",
          { "a\xFF", "b" },
          { NULL },
          "a\xEF\xBF\xBD"
          "b",
          false },
        { "broken off by ASCII", { "\xE2\x82", "x" }, { NULL }, "\xEF\xBF\xBDx", false },
        { "broken off by a lead byte",
          { "\xE2", "\xC3\xA9" },
          { NULL },
          "\xEF\xBF\xBD\xC3\xA9",
          false },
        { "overlong", { "\xC0\xAF" }, { NULL }, "\xEF\xBF\xBD\xEF\xBF\xBD", false },
        { "surrogate",
          { "\xED\xA0\x80" },
          { NULL },
          "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD",
          false },
        { "beyond Unicode",
          { "\xF4\x90\x80\x80" },
          { NULL },
          "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD",
          false },
        { "stop inside a token", { "one. two" }, { "." }, "one", true },
        { "stop over tokens", { "say ", "EN", "D now" }, { "END" }, "say ", true },
        { "stop at once", { "END" }, { "END" }, "", true },
        { "nearly a stop", { "E", "N", "x" }, { "END" }, "ENx", false },
        { "nearly a stop, at the end", { "a", "EN" }, { "END" }, "aEN", false },
        { "a stop that begins again", { "aa", "ab" }, { "aab" }, "a", true },
        { "the first to be complete wins", { "ab", "c" }, { "abcd", "b" }, "a", true },
        { "the earlier of two", { "x1y2" }, { "2", "1" }, "x", true },
        { "stop of more bytes than a character",
          { "\xC3", "\xA9", "!" },
          { "\xC3\xA9!" },
          "",
          true },
        { "text after a stop is not shown", { "a|b|c" }, { "|" }, "a", true },
    };
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct str stops[4];
        size_t stops_len = 0;
        struct run r;

        while (cases[i].stops[stops_len]) {
            stops[stops_len] = str_of(cases[i].stops[stops_len]);
            stops_len++;
        }
        feed_all(cases[i].pieces, stops, stops_len, &r);
        if (strcmp(buf_cstr(&r.text), cases[i].text) != 0 || r.stopped != cases[i].stopped)
            fail_msg("%s: '%s'%s, expected '%s'", cases[i].name, buf_cstr(&r.text),
                     r.stopped ? " (stopped)" : "", cases[i].text);
        buf_deinit(&r.text);
    }
}

static void only_what_may_become_a_stop_is_held_back(void **state)
{
    static const char *const pieces[] = { "aaaaaaaaSTO", "aaaaaaaaaS", "aaaaaaaaaa", NULL };
    struct str stop = str_of("STOP");
    struct run r;
    (void)state;

    feed_all(pieces, &stop, 1, &r);
    assert_int_equal(r.longest_wait, 3);
    buf_deinit(&r.text);
}

static void the_cuts_between_pieces_do_not_matter(void **state)
{
    static const char text[] = "\xE2\x82\xAC 5, d\xC3\xA9j\xC3\xA0 vu #STO#ST#STOP rest";
    struct str stop = str_of("#STOP");
    (void)state;

    for (size_t cut = 1; cut < sizeof(text) - 1; cut++) {
        char head[sizeof(text)] = "", bytes[sizeof(text)][2];
        const char *pieces[sizeof(text) + 1] = { 0 };
        size_t n = 0;
        struct run r;

        memcpy(head, text, cut);
        pieces[n++] = head;
        for (size_t i = cut; i < sizeof(text) - 1; i++) { /* the rest byte by byte */
            bytes[i][0] = text[i];
            bytes[i][1] = '\0';
            pieces[n++] = bytes[i];
        }
        feed_all(pieces, &stop, 1, &r);
        assert_true(r.stopped);
        assert_string_equal(buf_cstr(&r.text), "\xE2\x82\xAC 5, d\xC3\xA9j\xC3\xA0 vu #STO#ST");
        buf_deinit(&r.text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(characters_and_stop_sequences_come_out_whole),
        cmocka_unit_test(only_what_may_become_a_stop_is_held_back),
        cmocka_unit_test(the_cuts_between_pieces_do_not_matter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
