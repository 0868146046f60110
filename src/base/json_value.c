/* Reading single values: what each type accepts, and what it says otherwise. */
#include "base/json_internal.h"

#include "base/parse.h"

#include <math.h>

bool json_copy_text(struct json *j, struct str raw, char *dst, size_t size)
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

void json_read_bool(struct json *j, bool *ret)
{
    if (!json_expect(j, JSON_BOOL, "true or false"))
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
    if (!json_expect(j, JSON_NUMBER, wanted) || !json_scan_number(j, ret))
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
    if (!json_expect(j, JSON_STRING, "a string") || !json_scan_string(j, ret_raw, ret_is_escaped))
        return false;
    j->value_read = true;
    return true;
}

void json_read_text(struct json *j, char *dst, size_t size)
{
    struct str raw;
    bool is_escaped;

    if (read_string(j, &raw, &is_escaped))
        (void)json_copy_text(j, raw, dst, size);
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
        json_fail_code(j, ERR_TOO_LARGE, "is too long");
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
        (void)json_expect(j, JSON_NULL, "a value"); /* says so */
        break;
    }
}
