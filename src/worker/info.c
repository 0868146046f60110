#include "worker/info.h"

#include "base/labels_json.h"

#include "base/clock.h"
#include "http/server.h"
#include "worker/counters.h"
#include "worker/worker.h"

#include <stdio.h>

enum { BODY_BYTES_MAX = 1024 * 1024, API_VERSION = 1 };

static void begin(struct json_out *o, struct buf *out)
{
    buf_init(out, BODY_BYTES_MAX);
    json_out_init(o, out);
    json_begin(o, NULL, '{');
}

static void reply(struct http_request *req, unsigned status, struct json_out *o)
{
    json_end(o);
    http_reply(req, status, "application/json", buf_str(o->buf));
    buf_deinit(o->buf);
}

/* --- Alive and ready --------------------------------------------------------- */

static void reply_state(struct http_request *req, unsigned status, const char *text,
                        const struct worker_status *now)
{
    struct json_out o;
    struct buf out;

    begin(&o, &out);
    json_str(&o, "status", text);
    if (now->state == WORKER_STARTING)
        json_double(&o, "progress", now->engine.load_progress);
    reply(req, status, &o);
}

void info_health(struct http_request *req)
{
    struct worker_status now;

    worker_get_status(http_request_app(req), &now);
    bool is_loading = now.state == WORKER_STARTING;
    reply_state(req, is_loading ? 503 : 200, is_loading ? "loading" : "ok", &now);
}

void info_ready(struct http_request *req)
{
    struct worker_status now;

    worker_get_status(http_request_app(req), &now);
    bool is_ready = now.state == WORKER_READY || now.state == WORKER_BUSY;
    reply_state(req, is_ready ? 200 : 503, is_ready ? "ready" : worker_state_name(now.state), &now);
}

/* --- What it is ---------------------------------------------------------------- */

static void write_load(const struct worker *w, struct json_out *o)
{
    struct worker_status now;

    worker_get_status(w, &now);
    json_str(o, "status", worker_state_name(now.state));
    json_int(o, "slots", w->options->slots);
    json_uint(o, "active", now.engine.active);
    json_uint(o, "queued", now.engine.waiting);
    json_uint(o, "kv_used_pct", now.engine.kv_used_percent);
    json_double(o, "tokens_per_s", w->tokens_per_s);
    if (now.state == WORKER_STARTING)
        json_double(o, "progress", now.engine.load_progress);
}

/* "" means: where this came from. */
static const char *address(const struct endpoint *bound)
{
    bool is_any = strcmp(bound->host, "0.0.0.0") == 0 || strcmp(bound->host, "::") == 0;
    return is_any || bound->is_unix ? "" : bound->host;
}

void info_write(const struct worker *w, struct json_out *o)
{
    const struct worker_options *options = w->options;

    json_str(o, "id", options->id);
    json_str(o, "model_id", options->ref);
    json_str(o, "device", options->device ? options->device : "auto");
    json_str(o, "address", address(&w->daemon->bound[0]));
    json_int(o, "port", w->daemon->bound[0].port);
    json_str(o, "implementation", "llm-worker-rbee");
    json_str(o, "version", RBEE_VERSION);
    json_int(o, "api_version", API_VERSION);
    write_load(w, o);
    labels_write(o, &options->label_map);
}

static void write_engine(const struct engine_facts *f, struct json_out *o)
{
    json_begin(o, "engine", '{');
    json_str(o, "name", "llama.cpp");
    json_str(o, "version", f->version);
    json_str(o, "backend", f->backend);
    json_uint(o, "threads", f->threads);
    json_end(o);
    json_begin(o, "model", '{');
    json_str(o, "description", f->description);
    json_str(o, "fingerprint", f->fingerprint);
    json_uint(o, "params", f->params);
    json_uint(o, "bytes", f->model_bytes);
    json_uint(o, "ctx", f->ctx);
    json_uint(o, "vocab", f->vocab_len);
    json_uint(o, "embedding_dimensions", f->embedding_len);
    json_end(o);
}

void info_get(struct http_request *req)
{
    const struct worker *w = http_request_app(req);
    struct worker_status now;
    struct json_out o;
    struct buf out;

    worker_get_status(w, &now);
    begin(&o, &out);
    info_write(w, &o);
    json_time(&o, "started_at", w->started_wall_ms);
    if (now.engine.is_loaded)
        write_engine(engine_get_facts(w->engine), &o);
    reply(req, 200, &o);
}

void info_metrics(struct http_request *req)
{
    struct buf out;

    buf_init(&out, BODY_BYTES_MAX);
    counters_write(http_request_app(req), &out);
    http_reply(req, 200, "text/plain; version=0.0.4", buf_str(&out));
    buf_deinit(&out);
}

/* --- Models --------------------------------------------------------------------- */

static void write_model(const struct worker *w, struct json_out *o)
{
    struct worker_status now;

    worker_get_status(w, &now);
    json_str(o, "id", w->options->ref);
    json_str(o, "object", "model");
    json_uint(o, "created", w->started_wall_ms / 1000);
    json_str(o, "owned_by", "rbee");
    json_int(o, "workers_ready", now.state == WORKER_READY || now.state == WORKER_BUSY);
}

void info_models(struct http_request *req)
{
    struct json_out o;
    struct buf out;

    begin(&o, &out);
    json_str(&o, "object", "list");
    json_begin(&o, "data", '[');
    json_begin(&o, NULL, '{');
    write_model(http_request_app(req), &o);
    json_end(&o);
    json_end(&o);
    reply(req, 200, &o);
}

void info_model(struct http_request *req)
{
    const struct worker *w = http_request_app(req);
    char id[MODEL_REF_SIZE];
    struct json_out o;
    struct buf out;
    struct err err;

    if (!http_request_param_text(req, 0, id, sizeof(id)) || strcmp(id, w->options->ref) != 0) {
        (void)err_param(&err, ERR_MODEL_NOT_FOUND, "model",
                        "there is no such model here; this worker serves '%s'", w->options->ref);
        http_reply_error(req, &err);
        return;
    }
    begin(&o, &out);
    write_model(w, &o);
    reply(req, 200, &o);
}

void info_shutdown(struct http_request *req)
{
    struct worker *w = http_request_app(req);
    struct json_out o;
    struct buf out;

    begin(&o, &out);
    json_str(&o, "status", "draining");
    reply(req, 200, &o);
    daemon_stop(w->daemon);
}
