#include "worker/worker.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "worker/counters.h"
#include "worker/heartbeat.h"
#include "worker/info.h"
#include "worker/native.h"
#include "worker/openai.h"

#include <limits.h>
#include <stdio.h>

enum { SECOND_MS = 1000 };

/* clang-format off */
const struct route worker_routes[] = {
    { "GET",    "/health",                     info_health,       ROUTE_OPEN,   0,            0, "Alive? 503 while the model is being loaded" },
    { "GET",    "/ready",                      info_ready,        ROUTE_OPEN,   0,            0, "Does it take requests?" },
    { "GET",    "/info",                       info_get,          ROUTE_CLIENT, 0,            0, "Model, load and labels" },
    { "GET",    "/v1/info",                    info_get,          ROUTE_CLIENT, 0,            0, "The same" },
    { "GET",    "/metrics",                    info_metrics,      ROUTE_CLIENT, 0,            0, "Prometheus metrics" },
    { "POST",   "/v1/shutdown",                info_shutdown,     ROUTE_ADMIN,  0,            0, "Finish what runs, then exit" },
    { "POST",   "/v1/inference",               native_post,       ROUTE_CLIENT, 0,            0, "Start a job" },
    { "GET",    "/v1/inference/{id}/stream",   native_stream,     ROUTE_CLIENT, 0,            0, "Follow a job (SSE)" },
    { "DELETE", "/v1/inference/{id}",          native_delete,     ROUTE_CLIENT, 0,            0, "Cancel a job" },
    { "GET",    "/v1/models",                  info_models,       ROUTE_CLIENT, ROUTE_OPENAI, 0, "The model" },
    { "GET",    "/v1/models/{id...}",          info_model,        ROUTE_CLIENT, ROUTE_OPENAI, 0, "The model, by name" },
    { "POST",   "/v1/chat/completions",        openai_chat,       ROUTE_CLIENT, ROUTE_OPENAI, 0, "Answer a chat" },
    { "POST",   "/v1/completions",             openai_completion, ROUTE_CLIENT, ROUTE_OPENAI, 0, "Go on with a text" },
    { "POST",   "/v1/embeddings",              openai_embedding,  ROUTE_CLIENT, ROUTE_OPENAI, 0, "Embed texts" },
    { "GET",    "/openai/v1/models",           info_models,       ROUTE_CLIENT, ROUTE_OPENAI, 0, "As without /openai" },
    { "GET",    "/openai/v1/models/{id...}",   info_model,        ROUTE_CLIENT, ROUTE_OPENAI, 0, "As without /openai" },
    { "POST",   "/openai/v1/chat/completions", openai_chat,       ROUTE_CLIENT, ROUTE_OPENAI, 0, "As without /openai" },
    { "POST",   "/openai/v1/completions",      openai_completion, ROUTE_CLIENT, ROUTE_OPENAI, 0, "As without /openai" },
    { "POST",   "/openai/v1/embeddings",       openai_embedding,  ROUTE_CLIENT, ROUTE_OPENAI, 0, "As without /openai" },
    { 0 },
};
/* clang-format on */

/* --- State ---------------------------------------------------------------- */

void worker_get_status(const struct worker *w, struct worker_status *ret)
{
    engine_get_stats(w->engine, &ret->engine);
    if (w->daemon->stopping)
        ret->state = WORKER_DRAINING;
    else if (!ret->engine.is_loaded)
        ret->state = WORKER_STARTING;
    else
        ret->state = ret->engine.active >= w->options->slots ? WORKER_BUSY : WORKER_READY;
}

int worker_exit_code(const struct err *err)
{
    if (err->code == ERR_UNAVAILABLE)
        return WORKER_EXIT_ENGINE;
    if (err->code != ERR_INVALID)
        return WORKER_EXIT_FAILED;
    return strcmp(err->param, "model") == 0 ? WORKER_EXIT_MODEL : WORKER_EXIT_USAGE;
}

static void on_second(struct loop_timer *timer)
{
    struct worker *w = container_of(timer, struct worker, second);
    uint64_t now_ms = loop_now_ms(w->loop);
    struct engine_stats now;

    loop_timer_start(timer, SECOND_MS);
    engine_get_stats(w->engine, &now);
    uint64_t passed_ms = now_ms - w->sampled_ms;
    uint64_t made = now.output_tokens_total - w->sampled_tokens;
    w->tokens_per_s = passed_ms > 0 ? (double)made * 1e3 / (double)passed_ms : 0;
    w->sampled_ms = now_ms;
    w->sampled_tokens = now.output_tokens_total;
}

/* --- Life ------------------------------------------------------------------ */

static void on_loaded(void *data, const struct err *err)
{
    struct worker *w = data;
    const struct engine_facts *f = engine_get_facts(w->engine);

    if (err) {
        log_error("the model cannot be served", LOG_ERR(err), LOG_STR("model", w->options->ref));
        w->exit_code = worker_exit_code(err);
        loop_stop(w->loop);
        return;
    }
    (void)snprintf(w->fingerprint, sizeof(w->fingerprint), "llama.cpp-%s-%.8s", f->version,
                   f->fingerprint);
    log_info("model loaded", LOG_STR("model", w->options->ref),
             LOG_STR("description", f->description), LOG_STR("backend", f->backend),
             LOG_INT("slots", f->slots), LOG_INT("ctx", f->ctx), LOG_INT("threads", f->threads));
    daemon_ready(w->daemon);
}

static int open_engine(struct worker *w, struct err *err)
{
    const struct worker_options *o = w->options;
    char dir[PATH_MAX];

    if (engine_lib_find(o->engine_dir, dir, sizeof(dir), err) < 0)
        return err->code;
    struct engine_options engine = {
        .lib_dir = dir,
        .model_path = o->model_file,
        .slots = (unsigned)o->slots,
        .ctx = (unsigned)o->ctx,
        .threads = (unsigned)o->threads,
        .waiting_max = (unsigned)o->queue,
        .device = o->device,
        .gpu_layers = (int)o->gpu_layers,
        .on_loaded = on_loaded,
        .data = w,
    };
    return engine_open(w->loop, &engine, &w->engine, err);
}

static int serve(struct worker *w, struct err *err)
{
    struct http_server_options options;

    http_server_options_init(&options);
    options.guard = &w->daemon->guard;
    options.server_name = worker_program.name;
    w->server = http_server_new(w->loop, &options, worker_routes, w);
    return daemon_serve(w->daemon, w->server, err);
}

int worker_open(struct worker *w, struct daemon *daemon, const struct worker_options *options,
                struct err *err)
{
    *w = (struct worker){ .daemon = daemon,
                          .options = options,
                          .loop = daemon->loop,
                          .started_wall_ms = clock_wall_ms() };
    loop_deadlines_init(w->loop, &w->idle, STREAM_IDLE_MS, event_stream_on_idle);
    inference_table_init(&w->inferences, w);
    w->metrics = counters_new();
    loop_timer_init(w->loop, &w->second, on_second);
    w->sampled_ms = loop_now_ms(w->loop);

    if (open_engine(w, err) < 0 || serve(w, err) < 0)
        return err->code;
    loop_timer_start(&w->second, SECOND_MS);
    return options->queen_url ? heartbeat_new(w, &w->heartbeat, err) : 0;
}

void worker_close(struct worker *w)
{
    heartbeat_free(w->heartbeat);
    loop_timer_stop(&w->second);
    http_server_free(w->server); /* ends every exchange, and so every run that has one */
    inference_table_deinit(&w->inferences);
    loop_deadlines_deinit(&w->idle);
    engine_close(w->engine);
    metrics_free(w->metrics);
}
