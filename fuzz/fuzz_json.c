/*
 * The reader against jansson: both must accept the same texts and find the same
 * values in them. What our reader takes is built into a tree of jansson's, and the
 * trees are compared; what our writer makes of it must read back as the same tree.
 *
 * Where the two differ on purpose:
 * - Depth: ours ends at JSON_DEPTH_MAX, jansson's at 2048.
 * - A number of more than 511 characters is out of range for ours.
 * - Ours looks at a number's range when the value is read, not in a skipped one.
 * - jansson overlooks a NUL byte behind a number; ours refuses one anywhere.
 * Alike, and so no exception: numbers past int64_t and past a double are refused
 * rather than rounded, a NUL may stand in a string (JSON_ALLOW_NUL) but not in a
 * member's name, the last of equal names wins.
 */
#include "json_oracle.h"

#include "base/arena.h"
#include "base/json.h"
#include "base/json_write.h"
#include "base/mem.h"

#include "expect.h"

#include <stdint.h>

enum { MEMORY_MAX = 64 * 1024 * 1024, NUMBER_MAX = 511, SHORT_SIZE = 16 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct run {
    struct arena arena;
    struct str text;
    bool has_long_number; /* which only ours refuses */
};

static bool is_real(struct str number)
{
    return number.len > 0 &&
           (memchr(number.p, '.', number.len) || memchr(number.p, 'e', number.len) ||
            memchr(number.p, 'E', number.len));
}

/* --- reading into a tree --- */

static struct json_t *build(struct json *j, struct run *run);

static struct json_t *build_number(struct json *j, struct run *run)
{
    struct json again = *j;
    struct str raw = { 0 };
    int64_t whole = 0;
    double real = 0;

    json_read_raw(&again, &raw);
    run->has_long_number |= raw.len > NUMBER_MAX;
    if (is_real(raw)) {
        json_read_double(j, &real);
        return oracle_real(real);
    }
    json_read_i64(j, &whole);
    return oracle_integer(whole);
}

/* Into a fixed array it must come out the same, or not at all. */
static void check_text(struct json *j, struct str expected)
{
    char text[SHORT_SIZE] = "?";
    bool fits =
        expected.len < SHORT_SIZE && (expected.len == 0 || !memchr(expected.p, '\0', expected.len));

    json_read_text(j, text, sizeof(text));
    expect(fits == !j->failed);
    expect(str_eq(fits ? expected : str_of("?"), text));
}

static struct json_t *build_string(struct json *j, struct run *run)
{
    struct json again = *j;
    struct str s = { 0 };

    json_read_str(j, &run->arena, &s);
    if (!j->failed)
        check_text(&again, s);
    return oracle_string(s.len > 0 ? s.p : "", s.len);
}

static void build_member(struct json *j, struct run *run, struct json_t *object)
{
    AUTO(free_ptr) char *key = mem_alloc(run->text.len + 1, 1);

    if (!json_key_copy(j, key, run->text.len + 1))
        return;
    expect(json_key(j, key));
    oracle_set(object, key, build(j, run));
    expect(j->failed || json_key(j, key)); /* not lost among the keys inside the value */
}

static struct json_t *build(struct json *j, struct run *run)
{
    struct json_t *tree;
    bool is_true = false;

    switch (json_peek(j)) {
    case JSON_BOOL:
        json_read_bool(j, &is_true);
        return oracle_bool(is_true);
    case JSON_NUMBER:
        return build_number(j, run);
    case JSON_STRING:
        return build_string(j, run);
    case JSON_ARRAY:
        tree = oracle_array();
        json_array(j) oracle_append(tree, build(j, run));
        return tree;
    case JSON_OBJECT:
        tree = oracle_object();
        json_object(j) build_member(j, run, tree);
        return tree;
    case JSON_NULL:
    case JSON_INVALID:
        json_skip(j); /* fails for JSON_INVALID, unless it has already */
        break;
    }
    return oracle_null();
}

/* --- writing again what is read --- */

static void copy(struct json *j, struct json_out *o, const char *key, struct run *run);

static void copy_number(struct json *j, struct json_out *o, const char *key)
{
    struct json again = *j;
    struct str raw = { 0 };
    int64_t whole = 0;
    double real = 0;

    json_read_raw(&again, &raw);
    if (is_real(raw)) {
        json_read_double(j, &real);
        json_double(o, key, real);
    } else {
        json_read_i64(j, &whole);
        json_int(o, key, whole);
    }
}

static void copy_container(struct json *j, struct json_out *o, const char *key, struct run *run)
{
    AUTO(free_ptr) char *name = mem_alloc(run->text.len + 1, 1);
    bool is_object = json_peek(j) == JSON_OBJECT;

    json_begin(o, key, is_object ? '{' : '[');
    if (is_object) {
        json_object(j)
        {
            if (json_key_copy(j, name, run->text.len + 1))
                copy(j, o, name, run);
        }
    } else {
        json_array(j) copy(j, o, NULL, run);
    }
    json_end(o);
}

static void copy(struct json *j, struct json_out *o, const char *key, struct run *run)
{
    struct str s = { 0 };
    bool is_true = false;

    switch (json_peek(j)) {
    case JSON_BOOL:
        json_read_bool(j, &is_true);
        json_bool(o, key, is_true);
        break;
    case JSON_NUMBER:
        copy_number(j, o, key);
        break;
    case JSON_STRING:
        json_read_str(j, &run->arena, &s);
        json_strn(o, key, s);
        break;
    case JSON_ARRAY:
    case JSON_OBJECT:
        copy_container(j, o, key, run);
        break;
    case JSON_NULL:
        expect(json_read_null(j));
        json_null(o, key);
        break;
    case JSON_INVALID:
        abort(); /* it was valid the first time */
    }
}

static void check_writer(struct run *run)
{
    struct json_out o;
    struct json j;
    struct buf out;
    struct err err;

    buf_init(&out, MEMORY_MAX);
    json_out_init(&o, &out);
    json_init(&j, run->text);
    copy(&j, &o, NULL, run);
    expect(json_finish(&j, &err) == 0 && !out.overflowed);

    struct json_t *expected = oracle_parse(run->text.p, run->text.len, true);
    struct json_t *written = oracle_parse(out.p, buf_len(&out), true);
    expect(expected && written && oracle_equal(expected, written));
    oracle_free(expected);
    oracle_free(written);
    buf_deinit(&out);
}

/* --- the comparison --- */

/* Skipping checks the syntax of everything, and the range of nothing. */
static void check_skip(const struct run *run, int rc)
{
    struct json j;
    struct err err;

    json_init(&j, run->text);
    json_skip(&j);
    int skipped = json_finish(&j, &err);
    expect(rc != 0 || skipped == 0);
    expect(skipped == 0 || skipped == ERR_JSON);
}

static void compare(struct run *run)
{
    struct json j;
    struct err err = { 0 };

    json_init(&j, run->text);
    struct json_t *ours = build(&j, run);
    int rc = json_finish(&j, &err);
    struct json_t *theirs = oracle_parse(run->text.p, run->text.len, false);

    bool has_nul = run->text.len > 0 && memchr(run->text.p, '\0', run->text.len);

    check_skip(run, rc);
    if (rc == 0) {
        expect(!has_nul);
        expect(theirs && oracle_equal(ours, theirs));
        if (oracle_depth(theirs) <= JSON_OUT_DEPTH_MAX)
            check_writer(run);
    } else if (theirs) {
        expect(oracle_depth(theirs) > JSON_DEPTH_MAX || run->has_long_number || has_nul);
    }
    expect(rc == 0 || (err.code == rc && err.msg[0]));
    oracle_free(ours);
    oracle_free(theirs);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct run run = { .text = { size > 0 ? (const char *)data : "", size } };

    arena_init(&run.arena, MEMORY_MAX);
    compare(&run);
    arena_deinit(&run.arena);
    return 0;
}
