/* The queen's whole HTTP surface. */
#include "api/handlers.h"
#include "api/queen.h"

enum { HEARTBEAT_BYTES_MAX = 4 * 1024 * 1024 };

/* The OpenAI routes answer under both prefixes, so that a client's base URL may be
 * http://host/v1 or http://host/openai/v1. */
#define OPENAI(method, path, handle, summary)                                     \
    { method, "/v1" path, handle, ROUTE_CLIENT, ROUTE_OPENAI, 0, summary },       \
    {                                                                             \
        method, "/openai/v1" path, handle, ROUTE_CLIENT, ROUTE_OPENAI, 0, summary \
    }

/* clang-format off */
const struct route queen_routes[] = {
    OPENAI("POST", "/chat/completions", api_chat_completions, "Chat, streamed or whole"),
    OPENAI("POST", "/completions",      api_completions,      "Completion of a prompt"),
    OPENAI("POST", "/embeddings",       api_embeddings,       "Embeddings of texts"),
    OPENAI("GET",  "/models",           api_models_list,      "Models that can be asked for"),
    OPENAI("GET",  "/models/{id...}",   api_models_get,       "One model"),
    { "POST",   "/v1/jobs",              api_jobs_post,         ROUTE_CLIENT, 0, 0, "Submit an operation" },
    { "GET",    "/v1/jobs",              api_jobs_list,         ROUTE_CLIENT, 0, 0, "States of jobs, newest first" },
    { "GET",    "/v1/jobs/{id}",         api_jobs_get,          ROUTE_CLIENT, 0, 0, "State of one job" },
    { "GET",    "/v1/jobs/{id}/stream",  api_jobs_stream,       ROUTE_CLIENT, 0, 0, "Events of one job (SSE), resumable" },
    { "DELETE", "/v1/jobs/{id}",         api_jobs_delete,       ROUTE_CLIENT, 0, 0, "Cancel a job" },
    { "POST",   "/v1/hive-heartbeat",    api_hive_heartbeat,    ROUTE_HIVE,   0, HEARTBEAT_BYTES_MAX, "Telemetry of a hive" },
    { "POST",   "/v1/worker-heartbeat",  api_worker_heartbeat,  ROUTE_HIVE,   0, HEARTBEAT_BYTES_MAX, "Telemetry of a worker without a hive" },
    { "GET",    "/v1/heartbeats/stream", api_heartbeats_stream, ROUTE_CLIENT, 0, 0, "Telemetry as it comes (SSE)" },
    { "GET",    "/v1/info",              api_info,              ROUTE_CLIENT, 0, 0, "Version, mode, uptime" },
    { "POST",   "/v1/shutdown",          api_shutdown,          ROUTE_ADMIN,  0, 0, "Drain, then stop" },
    { "GET",    "/metrics",              api_metrics,           ROUTE_CLIENT, 0, 0, "Prometheus text" },
    { "GET",    "/health",               api_health,            ROUTE_OPEN,   0, 0, "Liveness" },
    { "GET",    "/ready",                api_ready,             ROUTE_OPEN,   0, 0, "200 once it serves" },
    { NULL,     NULL,                    NULL,                  ROUTE_OPEN,   0, 0, NULL },
};
/* clang-format on */
