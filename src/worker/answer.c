#include "worker/answer.h"

#include "base/clock.h"
#include "base/json_write.h"
#include "base/random.h"

#include <stdio.h>

/* clang-format off */
static const struct {
    const char *id_prefix, *object, *chunk_object;
} shapes[] = {
    [ANSWER_CHAT]       = { "chatcmpl-", "chat.completion", "chat.completion.chunk" },
    [ANSWER_COMPLETION] = { "cmpl-",     "text_completion", "text_completion"       },
};
/* clang-format on */

void answer_init(struct answer *a, enum answer_shape shape)
{
    char hex[25];

    random_hex(hex, sizeof(hex) - 1);
    *a = (struct answer){ .shape = shape, .created_s = (int64_t)(clock_wall_ms() / 1000) };
    (void)snprintf(a->id, sizeof(a->id), "%s%s", shapes[shape].id_prefix, hex);
}

const char *answer_finish_reason(enum engine_stop stop)
{
    return stop == ENGINE_STOP_EOS || stop == ENGINE_STOP_SEQUENCE ? "stop" : "length";
}

/* --- Logprobs ------------------------------------------------------------ */

/* "bytes" is what tells halves of characters apart: as text they are U+FFFD. */
static void write_token(struct json_out *o, struct str text, double logprob)
{
    json_strn(o, "token", text);
    json_double(o, "logprob", logprob);
    json_begin(o, "bytes", '[');
    for (size_t i = 0; i < text.len; i++)
        json_int(o, NULL, (unsigned char)text.p[i]);
    json_end(o);
}

void answer_add_logprob(struct buf *entries, const struct engine_logprob *logprob)
{
    struct json_out o;

    if (buf_len(entries) > 0)
        (void)buf_putc(entries, ',');
    json_out_init(&o, entries);
    json_begin(&o, NULL, '{');
    write_token(&o, logprob->text, logprob->logprob);
    json_begin(&o, "top_logprobs", '[');
    for (size_t i = 0; i < logprob->top_len; i++) {
        json_begin(&o, NULL, '{');
        write_token(&o, logprob->top[i].text, logprob->top[i].logprob);
        json_end(&o);
    }
    json_end(&o);
    json_end(&o);
}

static void write_logprobs(const struct answer *a, struct json_out *o, struct str entries)
{
    if (!a->wants_logprobs) {
        json_null(o, "logprobs");
        return;
    }
    json_begin(o, "logprobs", '{');
    json_begin(o, "content", '[');
    if (entries.len > 0)
        json_raw(o, NULL, entries);
    json_end(o);
    json_null(o, "refusal");
    json_end(o);
}

/* --- Usage and timings ---------------------------------------------------- */

static double per_second(uint64_t count, uint64_t us)
{
    return us > 0 ? (double)count * 1e6 / (double)us : 0;
}

void answer_timings(struct json_out *o, const char *key, const struct engine_timings *t)
{
    uint64_t read = t->prompt_tokens - t->cached_tokens;

    json_begin(o, key, '{');
    json_uint(o, "cache_n", t->cached_tokens);
    json_uint(o, "prompt_n", read);
    json_double(o, "prompt_ms", (double)t->prompt_us / 1e3);
    json_double(o, "prompt_per_second", per_second(read, t->prompt_us));
    json_uint(o, "predicted_n", t->output_tokens);
    json_double(o, "predicted_ms", (double)t->output_us / 1e3);
    /* The first token comes with the prompt: the time is the others'. */
    json_double(o, "predicted_per_second",
                per_second(t->output_tokens > 0 ? t->output_tokens - 1 : 0, t->output_us));
    json_double(o, "queue_ms", (double)t->waited_us / 1e3);
    json_end(o);
}

static void write_usage(struct json_out *o, const struct engine_timings *t)
{
    json_begin(o, "usage", '{');
    json_uint(o, "prompt_tokens", t->prompt_tokens);
    json_uint(o, "completion_tokens", t->output_tokens);
    json_uint(o, "total_tokens", t->prompt_tokens + t->output_tokens);
    json_begin(o, "prompt_tokens_details", '{');
    json_uint(o, "cached_tokens", t->cached_tokens);
    json_end(o);
    json_end(o);
}

/* --- Answers and chunks ---------------------------------------------------- */

static void begin(const struct answer *a, struct json_out *o, const char *object, struct buf *out)
{
    json_out_init(o, out);
    json_begin(o, NULL, '{');
    json_str(o, "id", a->id);
    json_str(o, "object", object);
    json_int(o, "created", a->created_s);
    json_str(o, "model", a->model);
    json_str(o, "system_fingerprint", a->fingerprint);
    json_begin(o, "choices", '[');
}

static void write_delta(const struct answer *a, struct json_out *o, bool is_first,
                        const struct str *text)
{
    if (a->shape == ANSWER_COMPLETION) {
        json_strn(o, "text", text ? *text : (struct str){ 0 });
        return;
    }
    json_begin(o, "delta", '{');
    if (is_first)
        json_str(o, "role", "assistant");
    if (text || is_first)
        json_strn(o, "content", text ? *text : (struct str){ 0 });
    json_end(o);
}

static void end_choice(struct json_out *o, const char *finish_reason)
{
    json_str(o, "finish_reason", finish_reason);
    json_end(o);
    json_end(o);
}

static void write_chunk(const struct answer *a, bool is_first, const struct str *text,
                        struct str logprobs, const char *finish_reason, struct buf *out)
{
    struct json_out o;

    begin(a, &o, shapes[a->shape].chunk_object, out);
    json_begin(&o, NULL, '{');
    json_int(&o, "index", 0);
    write_delta(a, &o, is_first, text);
    if (text)
        write_logprobs(a, &o, logprobs);
    else
        json_null(&o, "logprobs");
    end_choice(&o, finish_reason);
    if (a->include_usage)
        json_null(&o, "usage");
    json_end(&o);
}

void answer_chunk(const struct answer *a, bool is_first, struct str text, struct str logprobs,
                  struct buf *out)
{
    write_chunk(a, is_first, &text, logprobs, NULL, out);
}

void answer_last_chunk(const struct answer *a, bool is_first, const char *finish_reason,
                       struct buf *out)
{
    write_chunk(a, is_first, NULL, (struct str){ 0 }, finish_reason, out);
}

void answer_usage_chunk(const struct answer *a, const struct engine_timings *t, struct buf *out)
{
    struct json_out o;

    begin(a, &o, shapes[a->shape].chunk_object, out);
    json_end(&o);
    write_usage(&o, t);
    answer_timings(&o, "timings", t);
    json_end(&o);
}

void answer_whole(const struct answer *a, struct str text, struct str logprobs,
                  const char *finish_reason, const struct engine_timings *t, struct buf *out)
{
    struct json_out o;

    begin(a, &o, shapes[a->shape].object, out);
    json_begin(&o, NULL, '{');
    json_int(&o, "index", 0);
    if (a->shape == ANSWER_CHAT) {
        json_begin(&o, "message", '{');
        json_str(&o, "role", "assistant");
        json_strn(&o, "content", text);
        json_null(&o, "refusal");
        json_end(&o);
    } else {
        json_strn(&o, "text", text);
    }
    write_logprobs(a, &o, logprobs);
    end_choice(&o, finish_reason);
    write_usage(&o, t);
    answer_timings(&o, "timings", t);
    json_end(&o);
}
