/* handlers - the functions of the queen's route table (routes.c), by resource. */
#pragma once

#include "http/server.h"

/* api_openai.c */
void api_chat_completions(struct http_request *req);
void api_completions(struct http_request *req);
void api_embeddings(struct http_request *req);
void api_models_list(struct http_request *req);
void api_models_get(struct http_request *req);

/* api_jobs.c */
void api_jobs_post(struct http_request *req);
void api_jobs_list(struct http_request *req);
void api_jobs_get(struct http_request *req);
void api_jobs_stream(struct http_request *req);
void api_jobs_delete(struct http_request *req);

/* api_policies.c */
void api_policies_list(struct http_request *req);
void api_policies_get(struct http_request *req);
void api_policies_versions(struct http_request *req);
void api_policies_version(struct http_request *req);

/* api_policy_checks.c */
void api_policy_validate(struct http_request *req);
void api_policy_compile(struct http_request *req);

/* api_policy_changes.c */
void api_policy_deploy(struct http_request *req);
void api_policy_rollback(struct http_request *req);
void api_policy_delete(struct http_request *req);
void api_policy_delete_version(struct http_request *req);

/* api_policy_trials.c */
void api_policy_simulate(struct http_request *req);
void api_policy_replay(struct http_request *req);

/* api_policy_decisions.c */
void api_policy_decisions(struct http_request *req);
void api_policy_decision(struct http_request *req);
void api_policy_explain(struct http_request *req);

/* api_policy_texts.c */
void api_policy_platform_source(struct http_request *req);
void api_policy_templates(struct http_request *req);
void api_policy_template(struct http_request *req);
void api_policy_schema(struct http_request *req);
void api_policy_api(struct http_request *req);

/* api_heartbeat.c */
void api_hive_heartbeat(struct http_request *req);
void api_worker_heartbeat(struct http_request *req);

/* api_service.c */
void api_heartbeats_stream(struct http_request *req);
void api_health(struct http_request *req);
void api_ready(struct http_request *req);
void api_metrics(struct http_request *req);
void api_info(struct http_request *req);
void api_shutdown(struct http_request *req);
