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

/* A detail of OpenAI's: how much of the prompt the engine still had. */
static void read_details(struct json *j, int64_t *ret_cached)
{
    json_object(j)
    {
        if (json_key(j, "cached_tokens") && !json_read_null(j))
            json_read_i64_in(j, 0, TOKENS_MAX, ret_cached);
        else if (!j->value_read)
            json_skip(j);
    }
}

static void read_usage(struct json *j, struct usage *ret)
{
    int64_t in = 0, out = 0, cached = 0;

    json_object(j)
    {
        if (json_key(j, "prompt_tokens") && !json_read_null(j))
            json_read_i64_in(j, 0, TOKENS_MAX, &in);
        else if (json_key(j, "completion_tokens") && !json_read_null(j))
            json_read_i64_in(j, 0, TOKENS_MAX, &out);
        else if (json_key(j, "prompt_tokens_details") && json_peek(j) == JSON_OBJECT)
            read_details(j, &cached);
        else if (!j->value_read)
            json_skip(j);
    }
    *ret = (struct usage){
        .tokens_in = (uint64_t)in,
        .tokens_out = (uint64_t)out,
        .cached_tokens = (uint64_t)cached,
    };
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
        read_usage(j, &c->usage);
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

static bool is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static bool ends_with(struct str s, const char *z)
{
    size_t len = strlen(z);

    return s.len >= len && memcmp(s.p + s.len - len, z, len) == 0;
}

/* Does the name in front of a colon ask for more than a glance, unless its value is null?
 * A name within a string would have its quotes escaped. */
static bool is_weighty(struct str before_colon)
{
    while (before_colon.len > 0 && is_space(before_colon.p[before_colon.len - 1]))
        before_colon.len--;
    return ends_with(before_colon, "\"finish_reason\"") || ends_with(before_colon, "\"usage\"") ||
           ends_with(before_colon, "\"error\"");
}

static bool is_null(struct str after_colon)
{
    while (after_colon.len > 0 && is_space(after_colon.p[0]))
        after_colon = (struct str){ after_colon.p + 1, after_colon.len - 1 };
    return str_starts(after_colon, "null");
}

/* Runs for every token: one pass, from colon to colon. */
bool completion_is_plain(struct str json)
{
    if (json.len < 2 || json.p[0] != '{' || json.p[json.len - 1] != '}')
        return false;
    const char *end = json.p + json.len, *colon = json.p;
    while ((colon = memchr(colon, ':', (size_t)(end - colon))) != NULL) {
        struct str before = { json.p, (size_t)(colon - json.p) };
        struct str after = { colon + 1, (size_t)(end - colon) - 1 };
        if (is_weighty(before) && !is_null(after))
            return false;
        colon++;
    }
    return true;
}

/* What follows the first `"usage"`: its value, to the end of `json`. .p is NULL when
 * there is none. */
static struct str look_up_usage(struct str json)
{
    static const char NAME[] = "\"usage\"";
    const char *at = json.p ? memmem(json.p, json.len, NAME, strlen(NAME)) : NULL;

    if (!at)
        return (struct str){ 0 };
    const char *end = json.p + json.len;
    at += strlen(NAME);
    while (at < end && (is_space(*at) || *at == ':'))
        at++;
    return (struct str){ at, (size_t)(end - at) };
}

bool completion_find_usage(struct str part, struct usage *ret)
{
    struct str value = look_up_usage(part);
    struct usage usage;
    struct json j;

    json_init(&j, value);
    read_usage(&j, &usage);
    if (j.failed)
        return false;
    *ret = usage;
    return true;
}
