/* Questions to one worker: GET /health until it is ready, then GET /info. */
#include "supervisor/internal.h"

#include "supervisor/worker_info.h"

enum { ANSWER_BYTES_MAX = 64 * 1024 };

/* A client speaks to an address, not to "every address". */
static const char *reachable_host(const char *listen_host)
{
    if (listen_host[0] == '\0' || strcmp(listen_host, "0.0.0.0") == 0)
        return "127.0.0.1";
    return strcmp(listen_host, "::") == 0 ? "::1" : listen_host;
}

struct endpoint probe_endpoint(const struct supervised *w)
{
    struct endpoint at = { .port = w->facts.port };

    (void)str_copy(at.host, sizeof(at.host), str_of(reachable_host(w->owner->options.listen_host)));
    return at;
}

static void on_health(void *data, enum http_call_end how, unsigned status, struct str body,
                      const struct err *err)
{
    struct supervised *w = data;
    (void)err;

    w->probe = NULL;
    if (how == HTTP_CALL_DONE && status == 200)
        lifecycle_ready(w);
    else if (how == HTTP_CALL_DONE)
        lifecycle_loading(w, worker_health_progress(body));
}

static void on_info(void *data, enum http_call_end how, unsigned status, struct str body,
                    const struct err *err)
{
    struct supervised *w = data;
    struct worker_info info;
    struct err bad;
    (void)err;

    w->probe = NULL;
    if (how == HTTP_CALL_DONE && status == 200 && worker_info_parse(body, &info, &bad) == 0)
        lifecycle_answered(w, &info);
    else
        lifecycle_missed(w);
}

static uint64_t interval_ms(const struct supervised *w)
{
    if (w->phase != SUPERVISED_RUNNING)
        return PROBE_DRAIN_MS;
    return w->facts.state == WORKER_STARTING ? PROBE_START_MS : PROBE_MS;
}

void probe_when_due(struct supervised *w, uint64_t now_ms)
{
    bool is_starting = w->facts.state == WORKER_STARTING;

    if (w->probe || !w->child || now_ms - w->probed_ms < interval_ms(w))
        return;
    struct http_call_options options = {
        .to = probe_endpoint(w),
        .method = "GET",
        .target = str_of(is_starting ? "/health" : "/info"),
        .bearer = w->facts.token.text,
        .timeouts = { .connect_ms = PROBE_TIMEOUT_MS, .total_ms = PROBE_TIMEOUT_MS },
    };
    w->probed_ms = now_ms;
    w->probe = http_fetch_start(w->owner->client, &options, ANSWER_BYTES_MAX,
                                is_starting ? on_health : on_info, w);
}
