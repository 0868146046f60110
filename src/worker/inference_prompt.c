#include "worker/inference_prompt.h"

#include "base/json.h"

#include <stdio.h>
#include <string.h>

/* --- Helpers ------------------------------------------------------------- */

/* From the arena, which is sized so that no body can exhaust it. */
static void *allocate(struct json *j, struct inference_request *r, size_t count, size_t size)
{
    void *p = arena_alloc(&r->arena, (count ? count : 1) * size);
    if (!p)
        json_fail(j, "is too long");
    return p;
}

/* Look ahead, with a copy of the reader. What is malformed there fails the reader now,
 * so that sizes found ahead are the sizes of what will be read. */
static void adopt_failure(struct json *j, const struct json *probe)
{
    if (probe->failed)
        *j = *probe;
}

/* Elements of the array that comes next. */
static size_t count_elements(struct json *j)
{
    struct json probe = *j;
    size_t n = 0;

    json_array(&probe)
    {
        json_skip(&probe);
        n++;
    }
    adopt_failure(j, &probe);
    return n;
}

/* Bytes of the value that comes next. */
static size_t raw_len(struct json *j)
{
    struct json probe = *j;
    struct str raw = { 0 };

    json_read_raw(&probe, &raw);
    adopt_failure(j, &probe);
    return raw.len;
}

/* An error inside an element is about "messages[3].role". */
static void name_element(struct json *j, const char *array, size_t i)
{
    char inner[sizeof(j->err.param)];

    if (!j->failed || j->err.code != ERR_INVALID)
        return;
    memcpy(inner, j->err.param, sizeof(inner));
    bool has_inner = inner[0] && strcmp(inner, array) != 0;
    (void)snprintf(j->err.param, sizeof(j->err.param), "%s[%zu]%s%.32s", array, i,
                   has_inner ? "." : "", has_inner ? inner : "");
}

/* --- The prompt ---------------------------------------------------------- */

static void read_part(struct json *j, struct inference_request *r, struct str *ret)
{
    char type[32] = "";

    json_object(j)
    {
        if (json_key(j, "type"))
            json_read_text(j, type, sizeof(type));
        else if (json_key(j, "text"))
            json_read_str(j, &r->arena, ret);
        else
            json_skip(j);
    }
    if (strcmp(type, "text") != 0)
        json_fail(j, "may hold parts of type 'text' only, found '%s'", type);
}

static void read_content_parts(struct json *j, struct inference_request *r, struct str *ret)
{
    char *text = allocate(j, r, raw_len(j), 1); /* the text is no longer than its JSON */
    size_t len = 0;

    json_array(j)
    {
        struct str part = { 0 };
        read_part(j, r, &part);
        if (part.len > 0 && !j->failed) {
            memcpy(text + len, part.p, part.len);
            len += part.len;
        }
    }
    *ret = (struct str){ text, len };
}

static void read_content(struct json *j, struct inference_request *r, struct str *ret)
{
    if (json_read_null(j))
        *ret = (struct str){ "", 0 };
    else if (json_peek(j) == JSON_ARRAY)
        read_content_parts(j, r, ret);
    else
        json_read_str(j, &r->arena, ret);
}

static void read_role(struct json *j, struct str *ret)
{
    static const char *const roles[] = { "system", "user", "assistant", "tool" };
    char role[16] = "";

    json_read_text(j, role, sizeof(role));
    for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++) {
        if (strcmp(role, roles[i]) == 0) {
            *ret = str_of(roles[i]);
            return;
        }
    }
    json_fail(j, "must be one of: system, user, assistant, tool");
}

static void read_message(struct json *j, struct inference_request *r, struct engine_message *m)
{
    json_object(j)
    {
        if (json_key(j, "role"))
            read_role(j, &m->role);
        else if (json_key(j, "content"))
            read_content(j, r, &m->content);
        else
            json_skip(j);
    }
    if (!m->role.p)
        json_fail(j, "needs a role in each message");
}

void inference_prompt_read_messages(struct json *j, struct inference_request *r)
{
    size_t len = count_elements(j), i = 0;

    if (len > REQUEST_MESSAGES_MAX)
        json_fail(j, "may have at most %d messages", REQUEST_MESSAGES_MAX);
    r->messages = allocate(j, r, len, sizeof(*r->messages));
    json_array(j)
    {
        read_message(j, r, &r->messages[i]);
        name_element(j, "messages", i++);
    }
    if (len == 0)
        json_fail(j, "must not be empty");
    r->messages_len = len;
}

static void read_tokens(struct json *j, struct inference_request *r, struct engine_input *input)
{
    size_t len = count_elements(j), i = 0;
    int32_t *tokens = allocate(j, r, len, sizeof(*tokens));

    json_array(j)
    {
        int64_t token = 0;
        json_read_i64_in(j, 0, INT32_MAX, &token);
        if (tokens)
            tokens[i++] = (int32_t)token;
    }
    *input = (struct engine_input){ .tokens = tokens, .tokens_len = len };
}

static enum json_type first_element(const struct json *j)
{
    struct json probe = *j;
    enum json_type type = JSON_INVALID;

    json_array(&probe)
    {
        if (type == JSON_INVALID)
            type = json_peek(&probe);
        json_skip(&probe);
    }
    return type;
}

static void read_one_input(struct json *j, struct inference_request *r, struct engine_input *input)
{
    if (json_peek(j) == JSON_ARRAY)
        read_tokens(j, r, input);
    else
        json_read_str(j, &r->arena, &input->text);
}

static void read_several_inputs(struct json *j, struct inference_request *r, size_t max)
{
    size_t len = count_elements(j), i = 0;

    if (len > max)
        json_fail(j, "may have at most %zu elements here, found %zu", max, len);
    r->inputs = allocate(j, r, len, sizeof(*r->inputs));
    json_array(j) read_one_input(j, r, &r->inputs[i++]);
    if (len == 0)
        json_fail(j, "must not be empty");
    r->inputs_len = len;
}

/* A text, an array of texts, tokens, or an array of arrays of tokens. */
void inference_prompt_read_inputs(struct json *j, struct inference_request *r)
{
    bool is_several = json_peek(j) == JSON_ARRAY && first_element(j) != JSON_NUMBER;

    if (is_several) {
        read_several_inputs(j, r, r->form == FORM_EMBEDDING ? ENGINE_EMBED_INPUTS_MAX : 1);
        return;
    }
    r->inputs = allocate(j, r, 1, sizeof(*r->inputs));
    if (!r->inputs)
        return;
    read_one_input(j, r, r->inputs);
    r->inputs_len = 1;
}
