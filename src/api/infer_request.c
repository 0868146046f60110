#include "api/infer_request.h"

#include "api/messages.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/labels_json.h"
#include "base/mem.h"

#include <math.h>

enum {
    STOP_STRINGS_MAX = 16,
    STOP_BYTES_MAX = 1024,
    TOP_K_MAX = 1000000,
};

/* What a field's reader may touch. */
struct parse {
    enum infer_route route;
    struct json *json;
    struct infer_request *out;
};

static void read_model(struct parse *p)
{
    json_read_text(p->json, p->out->spec.model, sizeof(p->out->spec.model));
}

static void read_stream(struct parse *p)
{
    json_read_bool(p->json, &p->out->stream);
}

static void read_max_tokens(struct parse *p)
{
    json_read_i64_in(p->json, 1, INT32_MAX, &p->out->spec.max_tokens);
}

static void read_temperature(struct parse *p)
{
    json_read_double_in(p->json, 0, 2, &p->out->spec.temperature);
}

static void read_seed(struct parse *p)
{
    int64_t seed = 0;

    json_read_i64(p->json, &seed);
    p->out->spec.seed = (uint64_t)seed;
    p->out->spec.has_seed = true;
}

static void read_fraction(struct parse *p)
{
    double value = 0;

    json_read_double_in(p->json, 0, 1, &value);
}

static void read_penalty(struct parse *p)
{
    double value = 0;

    json_read_double_in(p->json, -2, 2, &value);
}

static void read_top_k(struct parse *p)
{
    int64_t value = 0;

    json_read_i64_in(p->json, -1, TOP_K_MAX, &value);
}

static void read_n(struct parse *p)
{
    int64_t value = 1;

    json_read_i64_in(p->json, 1, 128, &value);
}

static void read_stop_string(struct parse *p)
{
    struct str raw = { 0 };

    if (json_peek(p->json) != JSON_STRING) {
        json_fail(p->json, "must be a string or an array of strings");
        return;
    }
    json_read_raw(p->json, &raw);
    if (raw.p && raw.len <= 2)
        json_fail(p->json, "must not hold an empty string");
    else if (raw.len > STOP_BYTES_MAX)
        json_fail(p->json, "may hold strings of at most %d bytes", STOP_BYTES_MAX);
}

static void read_stop(struct parse *p)
{
    size_t count = 0;

    if (json_peek(p->json) != JSON_ARRAY) {
        read_stop_string(p);
        return;
    }
    json_array(p->json)
    {
        if (++count > STOP_STRINGS_MAX)
            json_fail(p->json, "may hold at most %d strings", STOP_STRINGS_MAX);
        read_stop_string(p);
    }
}

static void read_priority(struct parse *p)
{
    char name[32];

    /* vLLM clients send a number here (lower is sooner); it orders nothing between
     * bands, so only the words mean a band. */
    if (json_peek(p->json) == JSON_NUMBER) {
        json_skip(p->json);
        return;
    }
    json_read_text(p->json, name, sizeof(name));
    if (!p->json->failed && !job_priority_parse(str_of(name), &p->out->spec.priority))
        json_fail(p->json, "must be \"interactive\" or \"batch\", found \"%s\"", name);
}

static void read_session(struct parse *p)
{
    json_read_text(p->json, p->out->spec.session_id, sizeof(p->out->spec.session_id));
}

static void read_worker_pin(struct parse *p)
{
    json_read_text(p->json, p->out->spec.worker_id, sizeof(p->out->spec.worker_id));
}

static void read_hive_pin(struct parse *p)
{
    json_read_text(p->json, p->out->spec.hive_id, sizeof(p->out->spec.hive_id));
}

static void read_deadline(struct parse *p)
{
    int64_t ms = 0;

    json_read_i64_in(p->json, 1, INT64_C(1) << 40, &ms);
    p->out->deadline_in_ms = (uint64_t)ms;
    p->out->has_deadline = true;
}

static void read_labels(struct parse *p)
{
    labels_read(p->json, &p->out->spec.labels);
}

static bool is_empty_array(struct str raw)
{
    struct json j;
    bool is_empty = true;

    json_init(&j, raw);
    json_array(&j)
    {
        is_empty = false;
    }
    return is_empty;
}

static void read_prompt(struct parse *p)
{
    enum json_type type = json_peek(p->json);

    if (type != JSON_STRING && (type != JSON_ARRAY || p->route == INFER_NATIVE)) {
        json_fail(p->json, "must be a string%s", p->route == INFER_NATIVE ? "" : " or an array");
        return;
    }
    json_read_raw(p->json, &p->out->prompt);
    if (p->out->prompt.p && p->out->prompt.len <= 2)
        json_fail(p->json, "must not be empty");
}

static void read_messages(struct parse *p)
{
    struct err err;

    if (json_peek(p->json) != JSON_ARRAY) {
        json_fail(p->json, "must be an array of {\"role\",\"content\"}");
        return;
    }
    json_read_raw(p->json, &p->out->messages);
    if (p->json->failed)
        return;
    if (is_empty_array(p->out->messages))
        json_fail(p->json, "must not be empty");
    else if (p->route == INFER_NATIVE && messages_check(p->out->messages, &err) < 0)
        json_fail(p->json, "holds a wrong message: %s", err.msg);
}

enum {
    ON_CHAT = 1 << INFER_CHAT,
    ON_COMPLETIONS = 1 << INFER_COMPLETIONS,
    ON_EMBEDDINGS = 1 << INFER_EMBEDDINGS,
    ON_NATIVE = 1 << INFER_NATIVE,
    ON_GENERATE = ON_CHAT | ON_COMPLETIONS | ON_NATIVE,
    ON_ALL = ON_GENERATE | ON_EMBEDDINGS
};

#define NAME(literal)                \
    {                                \
        literal, sizeof(literal) - 1 \
    }

/* clang-format off */
static const struct {
    struct str name;
    void (*read)(struct parse *p);
    unsigned routes;
} fields[] = {
    { NAME("model"),                 read_model,       ON_ALL },
    { NAME("messages"),              read_messages,    ON_CHAT | ON_NATIVE },
    { NAME("prompt"),                read_prompt,      ON_COMPLETIONS | ON_NATIVE },
    { NAME("input"),                 read_prompt,      ON_EMBEDDINGS },
    { NAME("stream"),                read_stream,      ON_GENERATE },
    { NAME("max_tokens"),            read_max_tokens,  ON_GENERATE },
    { NAME("max_completion_tokens"), read_max_tokens,  ON_CHAT },
    { NAME("temperature"),           read_temperature, ON_GENERATE },
    { NAME("top_p"),                 read_fraction,    ON_GENERATE },
    { NAME("min_p"),                 read_fraction,    ON_GENERATE },
    { NAME("top_k"),                 read_top_k,       ON_GENERATE },
    { NAME("presence_penalty"),      read_penalty,     ON_GENERATE },
    { NAME("frequency_penalty"),     read_penalty,     ON_GENERATE },
    { NAME("n"),                     read_n,           ON_GENERATE },
    { NAME("seed"),                  read_seed,        ON_GENERATE },
    { NAME("stop"),                  read_stop,        ON_GENERATE },
    { NAME("priority"),              read_priority,    ON_ALL },
    { NAME("session_id"),            read_session,     ON_ALL },
    { NAME("deadline_ms"),           read_deadline,    ON_ALL },
    { NAME("worker_id"),             read_worker_pin,  ON_ALL },
    { NAME("hive_id"),               read_hive_pin,    ON_ALL },
    { NAME("labels"),                read_labels,      ON_ALL },
};
/* clang-format on */

static void read_member(struct parse *p)
{
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        if (!(fields[i].routes & (1U << p->route)) || !json_key_str(p->json, fields[i].name))
            continue;
        /* null means "not given" for every optional field, as OpenAI's clients send it. */
        if (!json_read_null(p->json))
            fields[i].read(p);
        return;
    }
    json_skip(p->json);
}

/* Over the JSON as it came: a conversation that goes on begins with the same bytes. The rest
 * behind the last whole block counts for the prompt's own hash alone. */
static void hash_prompt(struct str text, struct job_spec *spec)
{
    size_t blocks = text.len / PREFIX_BLOCK_BYTES;
    uint64_t hash = 0;

    if (blocks > PREFIX_BLOCKS_MAX)
        blocks = PREFIX_BLOCKS_MAX;
    if (blocks > 0)
        spec->prefix_hashes = mem_alloc(blocks, sizeof(uint64_t));
    for (size_t i = 0; i < blocks; i++) {
        hash = hash_content(text.p + i * PREFIX_BLOCK_BYTES, PREFIX_BLOCK_BYTES, hash);
        spec->prefix_hashes[i] = hash;
    }
    spec->prefix_len = blocks;
    size_t at = blocks * PREFIX_BLOCK_BYTES;
    spec->prompt_hash = hash_content(text.p + at, text.len - at, hash);
}

static int check_required(enum infer_route route, const struct infer_request *r, struct err *err)
{
    if (r->spec.model[0] == '\0')
        return err_param(err, ERR_MISSING, "model", "'model' is missing: name the model to use");
    if (route == INFER_CHAT && !r->messages.p)
        return err_param(err, ERR_MISSING, "messages", "'messages' is missing");
    if (route == INFER_COMPLETIONS && !r->prompt.p)
        return err_param(err, ERR_MISSING, "prompt", "'prompt' is missing");
    if (route == INFER_EMBEDDINGS && !r->prompt.p)
        return err_param(err, ERR_MISSING, "input", "'input' is missing");
    if (route == INFER_NATIVE && !r->prompt.p && !r->messages.p)
        return err_param(err, ERR_MISSING, "prompt", "'prompt' or 'messages' is missing");
    if (route == INFER_NATIVE && r->prompt.p && r->messages.p)
        return err_param(err, ERR_INVALID, "prompt", "give 'prompt' or 'messages', not both");
    return 0;
}

int infer_request_parse(enum infer_route route, struct str body, struct infer_request *ret,
                        struct err *err)
{
    struct infer_request r = { .spec = { .temperature = -1, .bytes = body.len } };
    struct json json;
    struct parse p = { .route = route, .json = &json, .out = &r };

    json_init(&json, body);
    json_object(&json)
    {
        read_member(&p);
    }
    int rc = json_finish(&json, err);
    if (rc == 0)
        rc = check_required(route, &r, err);
    if (rc < 0) {
        infer_request_free(&r);
        return rc;
    }
    struct str text = r.messages.p ? r.messages : r.prompt;
    r.spec.type = route == INFER_EMBEDDINGS ? JOB_EMBEDDINGS : JOB_TEXT_GEN;
    r.spec.prompt_tokens = text.len / 4 > UINT32_MAX ? UINT32_MAX : (uint32_t)(text.len / 4);
    hash_prompt(text, &r.spec);
    *ret = r;
    return 0;
}

void infer_request_free(struct infer_request *r)
{
    job_spec_free(&r->spec);
}
