#include "proxy/completion.h"

#include "base/json.h"

/* More than any model's context, less than what sums could overflow by. */
static const int64_t TOKENS_MAX = 1LL << 40;

/* --- Reading ------------------------------------------------------------- */

/* null, "", [] and {} say nothing; whatever else a delta holds is content. */
static bool says_something(struct str raw)
{
    return !str_eq(raw, "null") && !str_eq(raw, "\"\"") && !str_eq(raw, "[]") && !str_eq(raw, "{}");
}

static void read_text(struct json *j, struct completion *c, bool is_first)
{
    bool is_string = json_peek(j) == JSON_STRING;
    struct str raw = { 0 };

    json_read_raw(j, &raw);
    if (!says_something(raw))
        return;
    c->has_content = true;
    if (is_string && is_first)
        c->text = raw;
}

/* A delta, or the message of a whole answer. */
static void read_delta(struct json *j, struct completion *c, bool is_first)
{
    if (json_read_null(j))
        return;
    json_object(j)
    {
        struct str raw = { 0 };
        if (json_key(j, "content")) {
            read_text(j, c, is_first);
        } else if (json_key(j, "role")) {
            json_skip(j);
        } else {
            json_read_raw(j, &raw);
            c->has_content = c->has_content || (raw.p && says_something(raw));
        }
    }
}

static void read_finish(struct json *j, struct completion *c, bool is_first)
{
    struct str raw = { 0 };

    json_read_raw(j, &raw);
    if (is_first && raw.len >= 2 && raw.p[0] == '"')
        c->finish = (struct str){ raw.p + 1, raw.len - 2 };
}

static void read_choice(struct json *j, struct completion *c, bool is_first)
{
    json_object(j)
    {
        if (json_key(j, "delta") || json_key(j, "message"))
            read_delta(j, c, is_first);
        else if (json_key(j, "text"))
            read_text(j, c, is_first);
        else if (json_key(j, "finish_reason"))
            read_finish(j, c, is_first);
        else
            json_skip(j);
    }
}

static void read_choices(struct json *j, struct completion *c)
{
    bool is_first = true;

    if (json_read_null(j))
        return;
    json_array(j)
    {
        read_choice(j, c, is_first);
        is_first = false;
    }
}

static void read_usage(struct json *j, uint64_t *ret_tokens_in, uint64_t *ret_tokens_out)
{
    int64_t in = 0, out = 0;

    json_object(j)
    {
        if (json_key(j, "prompt_tokens") && !json_read_null(j))
            json_read_i64_in(j, 0, TOKENS_MAX, &in);
        else if (json_key(j, "completion_tokens") && !json_read_null(j))
            json_read_i64_in(j, 0, TOKENS_MAX, &out);
        else if (!j->value_read)
            json_skip(j);
    }
    *ret_tokens_in = (uint64_t)in;
    *ret_tokens_out = (uint64_t)out;
}

static void read_timings(struct json *j, struct completion *c)
{
    static const double MS_MAX = 1e12;
    double ms = 0;

    json_object(j)
    {
        if (json_key(j, "predicted_ms"))
            json_read_double_in(j, 0, MS_MAX, &ms);
        else
            json_skip(j);
    }
    c->decode_time_ms = (uint64_t)ms;
}

static void read_member(struct json *j, struct completion *c)
{
    if (json_key(j, "choices")) {
        read_choices(j, c);
    } else if (json_key(j, "usage") && !json_read_null(j)) {
        read_usage(j, &c->tokens_in, &c->tokens_out);
        c->has_usage = true;
    } else if (json_key(j, "timings") && !json_read_null(j)) {
        read_timings(j, c);
    } else if (json_key(j, "error") && !json_read_null(j)) {
        json_read_raw(j, &c->error);
    } else if (!j->value_read) {
        json_skip(j);
    }
}

int completion_read(struct str json, struct completion *ret, struct err *err)
{
    struct completion c = { 0 };
    struct json j;

    json_init(&j, json);
    json_object(&j)
    {
        read_member(&j, &c);
    }
    int rc = json_finish(&j, err);
    if (rc < 0)
        return rc;
    *ret = c;
    return 0;
}

/* --- Looking ------------------------------------------------------------- */

/* What follows the next `quoted_key`, at any depth: its value, to the end of `json`. A
 * key within a string would have its quotes escaped. .p is NULL when there is none. */
static struct str look_up(struct str json, const char *quoted_key)
{
    size_t key_len = strlen(quoted_key);
    const char *end = json.p + json.len;
    const char *at = json.p ? memmem(json.p, json.len, quoted_key, key_len) : NULL;

    if (!at)
        return (struct str){ 0 };
    at += key_len;
    while (at < end && (*at == ' ' || *at == ':'))
        at++;
    return (struct str){ at, (size_t)(end - at) };
}

static bool is_null_wherever(struct str json, const char *quoted_key)
{
    struct str value = look_up(json, quoted_key);

    while (str_starts(value, "null"))
        value = look_up(value, quoted_key);
    return value.p == NULL;
}

bool completion_is_plain(struct str json)
{
    return json.len >= 2 && json.p[0] == '{' && json.p[json.len - 1] == '}' &&
           is_null_wherever(json, "\"finish_reason\"") && is_null_wherever(json, "\"usage\"") &&
           is_null_wherever(json, "\"error\"");
}

bool completion_find_usage(struct str part, uint64_t *ret_tokens_in, uint64_t *ret_tokens_out)
{
    struct str value = look_up(part, "\"usage\"");
    uint64_t in = 0, out = 0;
    struct json j;

    json_init(&j, value);
    read_usage(&j, &in, &out);
    if (j.failed)
        return false;
    *ret_tokens_in = in;
    *ret_tokens_out = out;
    return true;
}
