/* The OpenAI-compatible routes: requests in, and the list of models. */
#include "api/handlers.h"

#include "api/answer_headers.h"
#include "api/openai_flight.h"
#include "api/queen.h"
#include "api/request_headers.h"
#include "base/clock.h"
#include "base/json_write.h"

#include <stdlib.h>

enum { MODELS_BYTES_MAX = 16 * 1024 * 1024 };

/* An answer that no worker had a part in: all of its time was ours. */
static void set_own_headers(struct http_request *req)
{
    const struct queen *q = http_request_app(req);
    const struct answer_facts facts = {
        .overhead_us = clock_mono_us() - http_request_began_us(req),
        .policy = core_policy_name(q->core),
    };

    answer_headers_set(req, &facts);
}

static void refuse(struct http_request *req, const struct err *err)
{
    set_own_headers(req);
    http_reply_error(req, err);
}

static void begin(struct http_request *req, enum infer_route route)
{
    struct queen *q = http_request_app(req);
    struct infer_request parsed;
    struct err err;

    if (infer_request_parse(route, http_request_body(req), &parsed, &err) < 0) {
        refuse(req, &err);
        return;
    }
    if (request_headers_apply(req, loop_now_ms(q->loop), &parsed, &err) < 0) {
        infer_request_free(&parsed);
        refuse(req, &err);
        return;
    }
    openai_flight_begin(q, req, route, &parsed);
}

void api_chat_completions(struct http_request *req)
{
    begin(req, INFER_CHAT);
}

void api_completions(struct http_request *req)
{
    begin(req, INFER_COMPLETIONS);
}

void api_embeddings(struct http_request *req)
{
    begin(req, INFER_EMBEDDINGS);
}

struct model_list {
    struct queen *queen;
    struct json_out out;
};

static bool count_ready(void *data, const struct worker *w)
{
    *(size_t *)data += worker_is_available(w);
    return true;
}

static void write_model(struct queen *q, struct json_out *o, const char *model)
{
    const struct worker_query holding = { .model = model, .online = true };
    size_t ready = 0;

    (void)registry_find(core_registry(q->core), &holding, count_ready, &ready);
    json_begin(o, NULL, '{');
    json_str(o, "id", model);
    json_str(o, "object", "model");
    json_uint(o, "created", q->started_wall_ms / 1000);
    json_str(o, "owned_by", "rbee");
    json_uint(o, "workers_ready", ready);
    json_end(o);
}

static void list_model(void *data, const char *model)
{
    struct model_list *list = data;

    write_model(list->queen, &list->out, model);
}

void api_models_list(struct http_request *req)
{
    struct model_list list = { .queen = http_request_app(req) };
    struct buf text;

    buf_init(&text, MODELS_BYTES_MAX);
    json_out_init(&list.out, &text);
    json_begin(&list.out, NULL, '{');
    json_str(&list.out, "object", "list");
    json_begin(&list.out, "data", '[');
    (void)registry_models(core_registry(list.queen->core), list_model, &list);
    json_end(&list.out);
    json_end(&list.out);
    set_own_headers(req);
    http_reply(req, 200, "application/json", buf_str(&text));
    buf_deinit(&text);
}

void api_models_get(struct http_request *req)
{
    struct queen *q = http_request_app(req);
    char model[MODEL_REF_SIZE];
    struct json_out o;
    struct buf text;
    struct err err;

    if (!http_request_param_text(req, 0, model, sizeof(model)) ||
        !registry_knows_model(core_registry(q->core), model)) {
        (void)err_param(&err, ERR_MODEL_NOT_FOUND, "model",
                        "The model '%.200s' does not exist or is not served here", model);
        refuse(req, &err);
        return;
    }
    buf_init(&text, MODELS_BYTES_MAX);
    json_out_init(&o, &text);
    write_model(q, &o, model);
    set_own_headers(req);
    http_reply(req, 200, "application/json", buf_str(&text));
    buf_deinit(&text);
}
