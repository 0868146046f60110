#include "base/json_internal.h"

#include <assert.h>
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

void json_fail_code(struct json *j, int code, const char *fmt, ...)
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

bool json_expect(struct json *j, enum json_type wanted, const char *wanted_name)
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
    if (!json_expect(j, JSON_OBJECT, "an object") || !open_container(j))
        return false;
    return is_next(j, '}') ? close_container(j) : read_key(j);
}

bool json_array_begin(struct json *j)
{
    if (!json_expect(j, JSON_ARRAY, "an array") || !open_container(j))
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

bool json_key_copy(struct json *j, char *dst, size_t size)
{
    return !j->failed && json_copy_text(j, j->key, dst, size);
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
