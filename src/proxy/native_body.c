#include "base/json.h"
#include "base/json_write.h"
#include "proxy/native_internal.h"

enum { BODY_BYTES_MAX = 64 * 1024 * 1024 }; /* above what the routes take in */

/* What of an `infer` job is the worker's business. The rest (priority, pins, labels,
 * stream ...) is the queen's; model and seed are written by hand. */
static bool is_for_worker(const struct json *j)
{
    static const char *const names[] = {
        "prompt", "messages", "max_tokens",       "temperature",       "top_p",          "top_k",
        "min_p",  "stop",     "presence_penalty", "frequency_penalty", "repeat_penalty",
    };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (json_key(j, names[i]))
            return true;
    }
    return false;
}

static void copy_members(struct json_out *o, struct str job, bool *ret_is_chat)
{
    char key[32];
    struct str value;
    struct json j;

    json_init(&j, job);
    json_object(&j)
    {
        if (!is_for_worker(&j) || json_peek(&j) == JSON_NULL ||
            !json_key_copy(&j, key, sizeof(key)))
            continue; /* the reader skips it */
        *ret_is_chat = *ret_is_chat || strcmp(key, "messages") == 0;
        json_read_raw(&j, &value);
        if (!j.failed)
            json_raw(o, key, value);
    }
}

static void write_for_openai(struct json_out *o, struct str model)
{
    json_strn(o, "model", model);
    json_bool(o, "stream", true);
    json_begin(o, "stream_options", '{');
    json_bool(o, "include_usage", true);
    json_end(o);
}

void native_body_write(const struct native_run_options *options, enum worker_kind kind,
                       struct buf *out, bool *ret_is_chat)
{
    struct json_out o;

    *ret_is_chat = false;
    buf_init(out, BODY_BYTES_MAX);
    json_out_init(&o, out);
    json_begin(&o, NULL, '{');
    copy_members(&o, options->job, ret_is_chat);
    json_int(&o, "seed", (int64_t)options->seed); /* as clients give them: a signed number */
    if (kind == WORKER_KIND_OPENAI)
        write_for_openai(&o, options->model);
    json_end(&o);
}
