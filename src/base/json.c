#include "base/json_internal.h"

#include "base/parse.h"

#include <assert.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>

static const char *const found_names[] = {
    [JSON_NULL] = "null",        [JSON_BOOL] = "a boolean", [JSON_NUMBER] = "a number",
    [JSON_STRING] = "a string",  [JSON_ARRAY] = "an array", [JSON_OBJECT] = "an object",
    [JSON_INVALID] = "nonsense",
};

void json_init(struct json *j, struct str text)
{
    /* Not as one literal: outer_keys needs no zeroes, and this is the hot path. */
    j->text = text.p;
    j->len = text.len;
    j->at = 0;
    j->depth = 0;
    j->value_read = false;
    j->failed = false;
    j->key_is_escaped = false;
    j->key = (struct str){ 0 };
    j->err = (struct err){ 0 };
}

/* --- errors about values --- */

/* The current key as people wrote it, cut to fit. */
static void copy_key(const struct json *j, char *dst, size_t size)
{
    struct str rest = j->key;
    char one[4];
    size_t len = 0;

    while (rest.len > 0) {
        size_t n = json_decode_one(&rest, one);
        if (n >= size - len)
            break;
        memcpy(dst + len, one, n);
        len += n;
    }
    dst[len] = '\0';
}

static void __attribute__((format(printf, 3, 0)))
fail_with(struct json *j, int code, const char *fmt, va_list args)
{
    char key[sizeof(j->err.param)];
    char what[sizeof(j->err.msg)];

    if (j->failed)
        return;
    copy_key(j, key, sizeof(key));
    (void)vsnprintf(what, sizeof(what), fmt, args);
    if (key[0])
        (void)err_param(&j->err, code, key, "'%s' %s", key, what);
    else
        (void)err_set(&j->err, code, "the value %s", what);
    j->failed = true;
}

static void __attribute__((format(printf, 3, 4)))
fail(struct json *j, int code, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    fail_with(j, code, fmt, args);
    va_end(args);
}

void json_fail(struct json *j, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    fail_with(j, ERR_INVALID, fmt, args);
    va_end(args);
}

/* --- values --- */

static enum json_type type_of(char first)
{
    switch (first) {
    case 'n':
        return JSON_NULL;
    case 't':
    case 'f':
        return JSON_BOOL;
    case '"':
        return JSON_STRING;
    case '[':
        return JSON_ARRAY;
    case '{':
        return JSON_OBJECT;
    default:
        return first == '-' || (first >= '0' && first <= '9') ? JSON_NUMBER : JSON_INVALID;
    }
}

enum json_type json_peek(struct json *j)
{
    if (j->failed || j->value_read)
        return JSON_INVALID;
    json_skip_space(j);
    return j->at < j->len ? type_of(j->text[j->at]) : JSON_INVALID;
}

/* Is the next value a `wanted`? Fails the reader when it is not. */
static bool expect(struct json *j, enum json_type wanted, const char *wanted_name)
{
    if (j->failed)
        return false;
    assert(!j->value_read); /* a loop body read two values */

    enum json_type found = json_peek(j);
    if (found == JSON_INVALID)
        json_expected(j, "a value");
    else if (found != wanted)
        json_fail(j, "must be %s, found %s", wanted_name, found_names[found]);
    return found == wanted;
}

/* --- containers --- */

static bool open_container(struct json *j)
{
    if (j->depth == JSON_DEPTH_MAX) {
        json_syntax(j, "nested deeper than %d", JSON_DEPTH_MAX);
        return false;
    }
    j->outer_keys[j->depth++] = j->key;
    j->at++;
    json_skip_space(j);
    return true;
}

/* The container was a value itself: its own key is the current one again. */
static bool close_container(struct json *j)
{
    j->at++;
    j->key = j->outer_keys[--j->depth];
    j->key_is_escaped = j->key.len > 0 && memchr(j->key.p, '\\', j->key.len);
    j->value_read = true;
    return false;
}

static bool is_next(const struct json *j, char c)
{
    return j->at < j->len && j->text[j->at] == c;
}

static bool read_key(struct json *j)
{
    if (!is_next(j, '"')) {
        json_expected(j, "a member's name in double quotes");
        return false;
    }
    if (!json_scan_string(j, &j->key, &j->key_is_escaped))
        return false;
    json_skip_space(j);
    if (!is_next(j, ':')) {
        json_expected(j, "':' after a member's name");
        return false;
    }
    j->at++;
    j->value_read = false;
    return true;
}

bool json_object_begin(struct json *j)
{
    if (!expect(j, JSON_OBJECT, "an object") || !open_container(j))
        return false;
    return is_next(j, '}') ? close_container(j) : read_key(j);
}

bool json_array_begin(struct json *j)
{
    if (!expect(j, JSON_ARRAY, "an array") || !open_container(j))
        return false;
    return is_next(j, ']') ? close_container(j) : true;
}

/* Past the value, to the ',' or the `close` behind it. */
static bool end_value(struct json *j)
{
    if (!j->failed && !j->value_read)
        json_skip(j);
    json_skip_space(j);
    return !j->failed;
}

bool json_object_next(struct json *j)
{
    if (!end_value(j))
        return false;
    if (is_next(j, '}'))
        return close_container(j);
    if (!is_next(j, ',')) {
        json_expected(j, "',' or '}' after a member");
        return false;
    }
    j->at++;
    json_skip_space(j);
    return read_key(j);
}

bool json_array_next(struct json *j)
{
    if (!end_value(j))
        return false;
    if (is_next(j, ']'))
        return close_container(j);
    if (!is_next(j, ',')) {
        json_expected(j, "',' or ']' after an element");
        return false;
    }
    j->at++;
    j->value_read = false;
    return true;
}

bool json_escaped_key(const struct json *j, struct str name)
{
    struct str rest = j->key;
    char one[4];

    while (rest.len > 0) {
        size_t n = json_decode_one(&rest, one);
        if (name.len < n || memcmp(one, name.p, n) != 0)
            return false;
        name = (struct str){ name.p + n, name.len - n };
    }
    return name.len == 0;
}

/* A raw string into a fixed array, with a NUL; fails the reader otherwise. */
static bool copy_text(struct json *j, struct str raw, char *dst, size_t size)
{
    bool has_nul;

    if (json_measure(raw, &has_nul) >= size)
        json_fail(j, "must be at most %zu bytes long", size - 1);
    else if (has_nul)
        json_fail(j, "must not hold a NUL character");
    else
        dst[json_decode(raw, dst)] = '\0';
    return !j->failed;
}

bool json_key_copy(struct json *j, char *dst, size_t size)
{
    return !j->failed && copy_text(j, j->key, dst, size);
}

/* --- scalars --- */

void json_read_bool(struct json *j, bool *ret)
{
    if (!expect(j, JSON_BOOL, "true or false"))
        return;
    bool value = j->text[j->at] == 't';
    j->value_read = json_scan_word(j, value ? "true" : "false");
    if (j->value_read)
        *ret = value;
}

bool json_read_null(struct json *j)
{
    if (json_peek(j) != JSON_NULL)
        return false;
    j->value_read = json_scan_word(j, "null");
    return j->value_read;
}

static bool read_number(struct json *j, const char *wanted, struct str *ret)
{
    if (!expect(j, JSON_NUMBER, wanted) || !json_scan_number(j, ret))
        return false;
    j->value_read = true;
    return true;
}

/* For messages: a number can be as long as the text. */
static struct str cut(struct str number)
{
    return (struct str){ number.p, number.len > 40 ? 40 : number.len };
}

static bool is_whole(double value)
{
    return value == floor(value);
}

static bool read_i64(struct json *j, int64_t *ret)
{
    struct str number;
    double approximate;

    if (!read_number(j, "an integer", &number))
        return false;
    if (json_number_to_i64(number, ret))
        return true;
    if (parse_double_str(number, &approximate) && !is_whole(approximate))
        json_fail(j, "must be an integer, found %.*s", STR_ARG(cut(number)));
    else
        json_fail(j, "is out of range, found %.*s", STR_ARG(cut(number)));
    return false;
}

void json_read_i64(struct json *j, int64_t *ret)
{
    (void)read_i64(j, ret);
}

void json_read_i64_in(struct json *j, int64_t min, int64_t max, int64_t *ret)
{
    int64_t value;

    if (!read_i64(j, &value))
        return;
    if (value < min || value > max)
        json_fail(j, "must be from %lld to %lld, found %lld", (long long)min, (long long)max,
                  (long long)value);
    else
        *ret = value;
}

static bool read_double(struct json *j, double *ret)
{
    struct str number;

    if (!read_number(j, "a number", &number))
        return false;
    if (parse_double_str(number, ret))
        return true;
    json_fail(j, "is out of range, found %.*s", STR_ARG(cut(number)));
    return false;
}

void json_read_double(struct json *j, double *ret)
{
    (void)read_double(j, ret);
}

void json_read_double_in(struct json *j, double min, double max, double *ret)
{
    double value;

    if (!read_double(j, &value))
        return;
    if (value < min || value > max)
        json_fail(j, "must be from %g to %g, found %g", min, max, value);
    else
        *ret = value;
}

static bool read_string(struct json *j, struct str *ret_raw, bool *ret_is_escaped)
{
    if (!expect(j, JSON_STRING, "a string") || !json_scan_string(j, ret_raw, ret_is_escaped))
        return false;
    j->value_read = true;
    return true;
}

void json_read_text(struct json *j, char *dst, size_t size)
{
    struct str raw;
    bool is_escaped;

    if (read_string(j, &raw, &is_escaped))
        (void)copy_text(j, raw, dst, size);
}

void json_read_str(struct json *j, struct arena *arena, struct str *ret)
{
    struct str raw;
    bool is_escaped;

    if (!read_string(j, &raw, &is_escaped))
        return;
    if (!is_escaped) {
        *ret = raw;
        return;
    }
    char *copy = arena_alloc(arena, raw.len); /* escapes only shrink when decoded */
    if (copy)
        *ret = (struct str){ copy, json_decode(raw, copy) };
    else
        fail(j, ERR_TOO_LARGE, "is too long");
}

void json_read_raw(struct json *j, struct str *ret)
{
    (void)json_peek(j); /* past the white space */
    size_t start = j->at;

    json_skip(j);
    if (!j->failed)
        *ret = (struct str){ j->text + start, j->at - start };
}

void json_skip(struct json *j)
{
    struct str ignored;
    bool ignored_flag;

    if (j->value_read)
        return;
    switch (json_peek(j)) {
    case JSON_NULL:
        (void)json_read_null(j);
        break;
    case JSON_BOOL:
        json_read_bool(j, &ignored_flag);
        break;
    case JSON_NUMBER:
        (void)read_number(j, "a number", &ignored);
        break;
    case JSON_STRING:
        (void)read_string(j, &ignored, &ignored_flag);
        break;
    case JSON_ARRAY: /* recursion ends at JSON_DEPTH_MAX */
        json_array(j) json_skip(j);
        break;
    case JSON_OBJECT:
        json_object(j) json_skip(j);
        break;
    case JSON_INVALID:
        (void)expect(j, JSON_NULL, "a value"); /* says so */
        break;
    }
}

int json_finish(struct json *j, struct err *err)
{
    assert(j->failed || j->depth == 0); /* a loop was left by break or return */

    if (!j->failed && !j->value_read)
        json_skip(j);
    json_skip_space(j);
    if (!j->failed && j->at < j->len)
        json_expected(j, "the end of the text");
    if (j->failed) {
        *err = j->err;
        return err->code;
    }
    return 0;
}
