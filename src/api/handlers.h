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
