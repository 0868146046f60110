/* Unified diffs: what GNU diff -u says of the same texts, and limits. */
#include "keeper/view_test.h"

#include "keeper/diff.h"

#include "base/mem.h"

enum { OUT_BYTES_MAX = 16 * 1024 * 1024 };

/* The diff's text in `out`, "" when they are the same. */
static const char *diff(struct buf *out, const char *a, const char *b)
{
    buf_clear(out);
    bool differs = diff_unified((struct diff_side){ "a", str_of(a) },
                                (struct diff_side){ "b", str_of(b) }, out);
    assert_int_equal(differs, strcmp(a, b) != 0);
    return buf_cstr(out);
}

static void hunks_are_those_of_gnu_diff(void **state)
{
    static const struct {
        const char *name, *a, *b, *wanted;
    } cases[] = {
        { "same", "x\n", "x\n", "" },
        { "both empty", "", "", "" },
        { "from nothing", "", "x\n", "--- a\n+++ b\n@@ -0,0 +1 @@\n+x\n" },
        { "to nothing", "x\ny\n", "", "--- a\n+++ b\n@@ -1,2 +0,0 @@\n-x\n-y\n" },
        { "a line replaced", "1\n2\n3\n", "1\ntwo\n3\n",
          "--- a\n+++ b\n@@ -1,3 +1,3 @@\n 1\n-2\n+two\n 3\n" },
        { "a line added at the end", "1\n", "1\n2\n", "--- a\n+++ b\n@@ -1 +1,2 @@\n 1\n+2\n" },
        { "only three lines around", "1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\n2\n3\n4\nx\n6\n7\n8\n9\n",
          "--- a\n+++ b\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+x\n 6\n 7\n 8\n" },
        { "near changes are one hunk", "a\n1\n2\n3\n4\n5\n6\nb\n", "A\n1\n2\n3\n4\n5\n6\nB\n",
          "--- a\n+++ b\n@@ -1,8 +1,8 @@\n-a\n+A\n 1\n 2\n 3\n 4\n 5\n 6\n-b\n+B\n" },
        { "distant ones are two", "a\n1\n2\n3\n4\n5\n6\n7\nb\n", "A\n1\n2\n3\n4\n5\n6\n7\nB\n",
          "--- a\n+++ b\n@@ -1,4 +1,4 @@\n-a\n+A\n 1\n 2\n 3\n@@ -6,4 +6,4 @@\n 5\n 6\n "
          "7\n-b\n+B\n" },
        { "the last newline", "x\n", "x",
          "--- a\n+++ b\n@@ -1 +1 @@\n-x\n+x\n\\ No newline at end of file\n" },
    };
    struct buf out;
    (void)state;

    buf_init(&out, OUT_BYTES_MAX);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *got = diff(&out, cases[i].a, cases[i].b);
        if (strcmp(got, cases[i].wanted) != 0)
            fail_msg("%s: wanted\n%sgot\n%s", cases[i].name, cases[i].wanted, got);
    }
    buf_deinit(&out);
}

static size_t count_of(const char *text, const char *part)
{
    size_t count = 0;

    for (; (text = strstr(text, part)); text++)
        count++;
    return count;
}

/* Myers' own example: five changes and no fewer. */
static void the_script_is_a_shortest_one(void **state)
{
    struct buf out;
    (void)state;

    buf_init(&out, OUT_BYTES_MAX);
    const char *got = diff(&out, "a\nb\nc\na\nb\nb\na\n", "c\nb\na\nb\na\nc\n");
    assert_int_equal(count_of(got, "\n-") + count_of(got, "\n+"), 5 + 1); /* and "+++" */
    buf_deinit(&out);
}

/* `out` = `diff` applied to `a`: every line of it is checked on the way. */
static void apply(const char *patch, const char *a, struct buf *out)
{
    size_t at = 1; /* line of `a` */

    patch = strchr(strchr(patch, '\n') + 1, '\n') + 1;
    for (const char *end; *patch; patch = end + 1) {
        end = strchr(patch, '\n');
        size_t len = (size_t)(end - patch); /* mark and text, without newline: text and it */
        if (*patch == '@') {
            size_t start = (size_t)strtoul(patch + 4, NULL, 10), count = 1;
            const char *comma = memchr(patch, ',', (size_t)(strchr(patch, '+') - patch));
            if (comma)
                count = (size_t)strtoul(comma + 1, NULL, 10);
            for (start += count == 0; at < start; at++) {
                size_t line = strcspn(a, "\n") + 1;
                (void)buf_add(out, a, line);
                a += line;
            }
            continue;
        }
        if (*patch != '+') {
            assert_memory_equal(a, patch + 1, len);
            a += len;
            at++;
        }
        if (*patch != '-')
            (void)buf_add(out, patch + 1, len);
    }
    (void)buf_puts(out, a);
}

static void random_text(struct buf *out, unsigned *seed, unsigned letters)
{
    unsigned lines = (unsigned)rand_r(seed) % 40;

    buf_clear(out);
    for (unsigned i = 0; i < lines; i++)
        (void)buf_printf(out, "%c\n", 'a' + (int)((unsigned)rand_r(seed) % letters));
}

static void a_diff_applied_gives_the_other_text(void **state)
{
    struct buf a, b, patch, result;
    unsigned seed = 7;
    (void)state;

    buf_init(&a, OUT_BYTES_MAX);
    buf_init(&b, OUT_BYTES_MAX);
    buf_init(&patch, OUT_BYTES_MAX);
    buf_init(&result, OUT_BYTES_MAX);
    for (int i = 0; i < 2000; i++) {
        random_text(&a, &seed, 1 + (unsigned)i % 6);
        random_text(&b, &seed, 1 + (unsigned)i % 6);
        const char *text = diff(&patch, buf_cstr(&a), buf_cstr(&b));
        if (!*text)
            continue;
        buf_clear(&result);
        apply(text, buf_cstr(&a), &result);
        assert_string_equal(buf_cstr(&result), buf_cstr(&b));
    }
    buf_deinit(&a);
    buf_deinit(&b);
    buf_deinit(&patch);
    buf_deinit(&result);
}

static void texts_without_anything_in_common_are_replaced_whole(void **state)
{
    struct buf a, b, patch, result;
    (void)state;

    buf_init(&a, OUT_BYTES_MAX);
    buf_init(&b, OUT_BYTES_MAX);
    buf_init(&patch, OUT_BYTES_MAX);
    buf_init(&result, OUT_BYTES_MAX);
    (void)buf_puts(&a, "head\n");
    (void)buf_puts(&b, "head\n");
    for (int i = 0; i < 2 * DIFF_EDITS_MAX; i++) {
        (void)buf_printf(&a, "old %d\n", i);
        (void)buf_printf(&b, "new %d\n", i);
    }
    apply(diff(&patch, buf_cstr(&a), buf_cstr(&b)), buf_cstr(&a), &result);
    assert_string_equal(buf_cstr(&result), buf_cstr(&b));
    assert_has(buf_cstr(&patch), "@@ -1,4001 +1,4001 @@\n head\n-old 0\n");
    buf_deinit(&a);
    buf_deinit(&b);
    buf_deinit(&patch);
    buf_deinit(&result);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hunks_are_those_of_gnu_diff),
        cmocka_unit_test(the_script_is_a_shortest_one),
        cmocka_unit_test(a_diff_applied_gives_the_other_text),
        cmocka_unit_test(texts_without_anything_in_common_are_replaced_whole),
    };

    return cmocka_run_group_tests_name("diff", tests, NULL, NULL);
}
