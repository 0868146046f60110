/* The queen's whole HTTP surface. */
#include "api/handlers.h"
#include "api/queen.h"

enum {
    HEARTBEAT_BYTES_MAX = 4 * 1024 * 1024,
    SOURCE_BYTES_MAX = 8 * 1024 * 1024, /* far more than a policy may have, so that it is told */
    CONTEXT_BODY_BYTES_MAX = 20 * 1024 * 1024,
    SMALL_BYTES_MAX = 64 * 1024,
};

/* The OpenAI routes answer under both prefixes, so that a client's base URL may be
 * http://host/v1 or http://host/openai/v1. */
#define OPENAI(method, path, handle, summary)                                     \
    { method, "/v1" path, handle, ROUTE_CLIENT, ROUTE_OPENAI, 0, summary },       \
    {                                                                             \
        method, "/openai/v1" path, handle, ROUTE_CLIENT, ROUTE_OPENAI, 0, summary \
    }

/* The administrators' calls about policies. */
#define POLICY(method, path, handle, body_bytes_max, summary)                                \
    {                                                                                        \
        method, "/v2/admin/scheduler/" path, handle, ROUTE_ADMIN, 0, body_bytes_max, summary \
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
    POLICY("POST", "validate",        api_policy_validate, SOURCE_BYTES_MAX,       "Is this policy fit to run?"),
    POLICY("POST", "compile",         api_policy_compile,  SOURCE_BYTES_MAX,       "The Lua that it becomes, with its line map"),
    POLICY("POST", "simulate",        api_policy_simulate, CONTEXT_BODY_BYTES_MAX, "What it would decide, in a context that is given"),
    POLICY("GET",  "simulate",        api_policy_simulate, CONTEXT_BODY_BYTES_MAX, "The same"),
    POLICY("POST", "deploy",          api_policy_deploy,   SOURCE_BYTES_MAX,       "Validate, keep, and have it decide"),
    POLICY("POST", "rollback",        api_policy_rollback, SMALL_BYTES_MAX,        "Have an older version, or the built-in policy, decide"),
    POLICY("POST", "replay",          api_policy_replay,   SMALL_BYTES_MAX,        "What another policy would have decided"),
    POLICY("GET",  "policies",        api_policies_list,   0, "Policies that are kept, and the built-in ones"),
    POLICY("GET",  "policies/{name}", api_policies_get,    0, "One policy, with its newest text"),
    POLICY("GET",  "policies/{name}/versions",     api_policies_versions, 0, "Its versions, newest first"),
    POLICY("GET",  "policies/{name}/versions/{v}", api_policies_version,  0, "One version, with its text"),
    POLICY("DELETE", "policies/{name}",              api_policy_delete,         0, "Delete a policy with all its versions"),
    POLICY("DELETE", "policies/{name}/versions/{v}", api_policy_delete_version, 0, "Delete one version"),
    POLICY("GET",  "decisions",       api_policy_decisions,       0, "What was decided, newest first"),
    POLICY("GET",  "decisions/{id}",  api_policy_decision,        0, "One decision, with the context it came from"),
    POLICY("GET",  "explain",         api_policy_explain,         0, "Why it is so with a job"),
    POLICY("GET",  "platform-source", api_policy_platform_source, 0, "The built-in policy's text"),
    POLICY("GET",  "templates",       api_policy_templates,       0, "Policies to begin with"),
    POLICY("GET",  "templates/{name}", api_policy_template,       0, "One of them, with its text"),
    POLICY("GET",  "schema",          api_policy_schema,          0, "JSON Schema of YAML rules"),
    POLICY("GET",  "api",             api_policy_api,             0, "What a policy can name, for editors"),
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
