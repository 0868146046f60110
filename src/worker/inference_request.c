#include "worker/inference_request.h"

#include "base/json.h"
#include "base/mem.h"
#include "base/parse.h"
#include "worker/inference_prompt.h"

#include <string.h>

enum {
    N = 1 << FORM_NATIVE,
    C = 1 << FORM_CHAT,
    P = 1 << FORM_COMPLETION,
    E = 1 << FORM_EMBEDDING
};

enum { TOP_K_MAX = 1000 * 1000 };

/* --- Options ------------------------------------------------------------- */

static void read_model(struct json *j, struct inference_request *r)
{
    json_read_text(j, r->model, sizeof(r->model));
}

static void read_max_tokens(struct json *j, struct inference_request *r)
{
    json_read_i64_in(j, 1, INT32_MAX, &r->max_tokens);
}

static void read_temperature(struct json *j, struct inference_request *r)
{
    json_read_double_in(j, 0, 2, &r->sampling.temperature);
}

static void read_top_p(struct json *j, struct inference_request *r)
{
    json_read_double_in(j, 0, 1, &r->sampling.top_p);
}

static void read_min_p(struct json *j, struct inference_request *r)
{
    json_read_double_in(j, 0, 1, &r->sampling.min_p);
}

static void read_top_k(struct json *j, struct inference_request *r)
{
    int64_t k = r->sampling.top_k;
    json_read_i64_in(j, -1, TOP_K_MAX, &k); /* -1, as others have it: all */
    r->sampling.top_k = k < 0 ? 0 : (int)k;
}

static void read_repeat_penalty(struct json *j, struct inference_request *r)
{
    json_read_double_in(j, 0.01, 10, &r->sampling.repeat_penalty);
}

static void read_frequency_penalty(struct json *j, struct inference_request *r)
{
    json_read_double_in(j, -2, 2, &r->sampling.frequency_penalty);
}

static void read_presence_penalty(struct json *j, struct inference_request *r)
{
    json_read_double_in(j, -2, 2, &r->sampling.presence_penalty);
}

static void read_seed(struct json *j, struct inference_request *r)
{
    struct json probe = *j;
    struct str raw = { 0 };
    uint64_t wide = 0;

    json_read_raw(&probe, &raw);
    if (parse_u64_str(raw, &wide)) { /* the upper half of 64 bits too */
        r->seed = (int64_t)wide;
        json_skip(j);
    } else {
        json_read_i64(j, &r->seed);
    }
    r->has_seed = true;
}

static void read_stop(struct json *j, struct inference_request *r)
{
    struct str stop = { 0 };

    json_read_str(j, &r->arena, &stop);
    if (r->stops_len == ENGINE_STOPS_MAX)
        json_fail(j, "may have at most %d sequences", ENGINE_STOPS_MAX);
    else if (stop.len == 0 || stop.len > ENGINE_STOP_BYTES_MAX)
        json_fail(j, "must be a text of 1 to %d bytes, or an array of such", ENGINE_STOP_BYTES_MAX);
    else
        r->stops[r->stops_len++] = stop;
}

static void read_stops(struct json *j, struct inference_request *r)
{
    r->stops_len = 0;
    if (json_peek(j) != JSON_ARRAY) {
        read_stop(j, r);
        return;
    }
    json_array(j) read_stop(j, r);
}

static void read_stream(struct json *j, struct inference_request *r)
{
    json_read_bool(j, &r->stream);
}

static void read_stream_options(struct json *j, struct inference_request *r)
{
    json_object(j)
    {
        if (json_key(j, "include_usage") && !json_read_null(j))
            json_read_bool(j, &r->include_usage);
    }
}

static void read_logprobs(struct json *j, struct inference_request *r)
{
    json_read_bool(j, &r->wants_logprobs);
}

static void read_top_logprobs(struct json *j, struct inference_request *r)
{
    json_read_i64_in(j, 0, ENGINE_TOP_LOGPROBS_MAX, &r->top_logprobs);
}

static void read_encoding_format(struct json *j, struct inference_request *r)
{
    char format[16] = "";

    json_read_text(j, format, sizeof(format));
    r->wants_base64 = strcmp(format, "base64") == 0;
    if (!r->wants_base64 && strcmp(format, "float") != 0)
        json_fail(j, "must be one of: float, base64");
}

static void read_dimensions(struct json *j, struct inference_request *r)
{
    json_read_i64_in(j, 1, INT32_MAX, &r->dimensions);
}

static void read_response_format(struct json *j, struct inference_request *r)
{
    char type[32] = "";
    (void)r;

    json_object(j)
    {
        if (json_key(j, "type"))
            json_read_text(j, type, sizeof(type));
        else
            json_skip(j);
    }
    if (strcmp(type, "text") != 0)
        json_fail(j, "of type '%s' is not supported, only 'text'", type);
}

/* --- What is not built, and must not be ignored --------------------------- */

static void read_one(struct json *j, struct inference_request *r)
{
    int64_t n = 1;
    (void)r;

    json_read_i64(j, &n);
    if (n != 1)
        json_fail(j, "must be 1: several choices are not supported");
}

/* "", [], {} and false ask for nothing. */
static void read_nothing(struct json *j, struct inference_request *r)
{
    static const char *const nothing[] = { "\"\"", "[]", "{}", "false" };
    struct str raw = { 0 };
    char squeezed[8];
    size_t len = 0;
    (void)r;

    json_read_raw(j, &raw);
    for (size_t i = 0; i < raw.len && len < sizeof(squeezed) - 1; i++) {
        if (!strchr(" \t\r\n", raw.p[i]))
            squeezed[len++] = raw.p[i];
    }
    squeezed[len] = '\0';
    for (size_t i = 0; i < sizeof(nothing) / sizeof(nothing[0]); i++) {
        if (strcmp(squeezed, nothing[i]) == 0)
            return;
    }
    json_fail(j, "is not supported");
}

/* --- The whole ----------------------------------------------------------- */

/* clang-format off */
static const struct {
    const char *name;
    unsigned forms; /* where it means something; elsewhere it is ignored */
    void (*read)(struct json *j, struct inference_request *r);
} fields[] = {
    { "model",                 N | C | P | E, read_model                     },
    { "messages",              N | C,         inference_prompt_read_messages },
    { "prompt",                N | P,         inference_prompt_read_inputs   },
    { "input",                 E,             inference_prompt_read_inputs   },
    { "stream",                C | P,         read_stream                    },
    { "stream_options",        C | P,         read_stream_options            },
    { "max_tokens",            N | C | P,     read_max_tokens                },
    { "max_completion_tokens", C,             read_max_tokens                },
    { "temperature",           N | C | P,     read_temperature               },
    { "top_p",                 N | C | P,     read_top_p                     },
    { "top_k",                 N | C | P,     read_top_k                     },
    { "min_p",                 N | C | P,     read_min_p                     },
    { "repeat_penalty",        N | C | P,     read_repeat_penalty            },
    { "frequency_penalty",     N | C | P,     read_frequency_penalty         },
    { "presence_penalty",      N | C | P,     read_presence_penalty          },
    { "seed",                  N | C | P,     read_seed                      },
    { "stop",                  N | C | P,     read_stops                     },
    { "logprobs",              C,             read_logprobs                  },
    { "top_logprobs",          C,             read_top_logprobs              },
    { "encoding_format",       E,             read_encoding_format           },
    { "dimensions",            E,             read_dimensions                },
    { "response_format",       C,             read_response_format           },
    { "n",                     C | P,         read_one                       },
    { "best_of",               P,             read_one                       },
    { "tools",                 C,             read_nothing                   },
    { "functions",             C,             read_nothing                   },
    { "logit_bias",            C | P,         read_nothing                   },
    { "logprobs",              P,             read_nothing                   },
    { "echo",                  P,             read_nothing                   },
    { "suffix",                P,             read_nothing                   },
};
/* clang-format on */

static void read_field(struct json *j, struct inference_request *r)
{
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        if (!(fields[i].forms & (1U << r->form)) || !json_key(j, fields[i].name))
            continue;
        if (!json_read_null(j))
            fields[i].read(j, r);
        return;
    }
    json_skip(j);
}

static int check_prompt(const struct inference_request *r, struct err *err)
{
    static const char *const names[] = {
        [FORM_NATIVE] = "prompt",
        [FORM_CHAT] = "messages",
        [FORM_COMPLETION] = "prompt",
        [FORM_EMBEDDING] = "input",
    };

    if (r->messages_len > 0 && r->inputs_len > 0)
        return err_param(err, ERR_INVALID, "prompt", "give 'prompt' or 'messages', not both");
    if (r->messages_len == 0 && r->inputs_len == 0)
        return err_param(err, ERR_MISSING, names[r->form], "'%s' is missing", names[r->form]);
    return 0;
}

static int parse(struct inference_request *r, struct err *err)
{
    struct json j;

    json_init(&j, (struct str){ r->body, r->body_len });
    json_object(&j) read_field(&j, r);
    if (json_finish(&j, err) < 0 || check_prompt(r, err) < 0)
        return err->code;
    if (r->top_logprobs > 0 && !r->wants_logprobs)
        return err_param(err, ERR_INVALID, "top_logprobs", "'top_logprobs' needs 'logprobs': true");
    return 0;
}

int inference_request_parse(enum inference_form form, char *body, size_t len,
                            struct inference_request **ret, struct err *err)
{
    struct inference_request *r = mem_alloc(1, sizeof(*r));

    r->form = form;
    r->body = body;
    r->body_len = len;
    r->sampling = engine_sampling_default();
    /* Unescaped texts take less than their JSON, tokens twice as much, and the rest is
     * bounded by the caps above; parts of a content are gathered once more. */
    arena_init(&r->arena, 4 * len + (size_t)1024 * 1024);
    if (parse(r, err) < 0) {
        inference_request_free(r);
        return err->code;
    }
    *ret = r;
    return 0;
}

void inference_request_free(void *request)
{
    struct inference_request *r = request;

    if (!r)
        return;
    if (r->held_bytes)
        *r->held_bytes -= r->body_len;
    arena_deinit(&r->arena);
    free(r->body);
    free(r);
}

void inference_request_choose_seed(struct inference_request *r, uint64_t random)
{
    if (!r->has_seed)
        r->seed = (int64_t)(random & INT32_MAX);
    uint64_t seed = (uint64_t)r->seed;
    r->sampling.seed = (uint32_t)(seed ^ (seed >> 32));
}

void inference_request_make_chat(struct inference_request *r)
{
    if (r->inputs_len != 1 || r->inputs[0].tokens || r->inputs[0].text.len == 0)
        return;
    r->only_message = (struct engine_message){ str_of("user"), r->inputs[0].text };
    r->messages = &r->only_message;
    r->messages_len = 1;
    r->inputs_len = 0;
}

void inference_request_to_run(struct inference_request *r, struct engine_run_options *ret)
{
    *ret = (struct engine_run_options){
        .prompt = { .messages = r->messages,
                    .messages_len = r->messages_len,
                    .inputs = r->inputs,
                    .inputs_len = r->inputs_len,
                    .release = inference_request_free,
                    .owner = r },
        .embed = r->form == FORM_EMBEDDING,
        .sampling = r->sampling,
        .max_tokens = (uint64_t)r->max_tokens,
        .stops = r->stops,
        .stops_len = r->stops_len,
        .top_logprobs = r->wants_logprobs ? (int)r->top_logprobs : -1,
    };
}
