/*
 * operations - what POST /v1/jobs can be asked to do: one table of names, aliases,
 * roles and functions (PROTOCOL "The dual call").
 */
#pragma once

#include "base/err.h"
#include "http/server.h"

struct operation;
struct queen;

/* Answers `req`: with a job id once the operation is known to be valid, else with an
 * error. */
typedef void operation_fn(struct queen *q, struct http_request *req, const struct operation *op);

struct operation {
    const char *name;
    enum route_role role;
    operation_fn *run; /* NULL: known, not built yet: 501 */
};

/* Errors: ERR_JSON, ERR_MISSING, ERR_OPERATION_UNKNOWN, ERR_UNSUPPORTED. */
MUST_CHECK int operation_find(struct str body, const struct operation **ret, struct err *err);

/* op_infer.c */
void op_infer(struct queen *q, struct http_request *req, const struct operation *op);

/* op_report.c: answered from the registry, at once. */
void op_status(struct queen *q, struct http_request *req, const struct operation *op);
void op_hive_list(struct queen *q, struct http_request *req, const struct operation *op);
void op_hive_get(struct queen *q, struct http_request *req, const struct operation *op);
void op_worker_list(struct queen *q, struct http_request *req, const struct operation *op);
void op_worker_get(struct queen *q, struct http_request *req, const struct operation *op);
void op_model_list(struct queen *q, struct http_request *req, const struct operation *op);
void op_model_get(struct queen *q, struct http_request *req, const struct operation *op);

/* op_forward.c: carried out by a hive, its events passed on. */
void op_forward(struct queen *q, struct http_request *req, const struct operation *op);

/* api_policies.c, api_policy_changes.c, api_policy_trials.c: as the routes of the same nouns. */
void op_policy_list(struct queen *q, struct http_request *req, const struct operation *op);
void op_policy_get(struct queen *q, struct http_request *req, const struct operation *op);
void op_policy_save(struct queen *q, struct http_request *req, const struct operation *op);
void op_policy_delete(struct queen *q, struct http_request *req, const struct operation *op);
void op_policy_test(struct queen *q, struct http_request *req, const struct operation *op);

/* The queen stops: end each with `err`; what the hives have begun goes on there. */
void op_forward_end_all(struct queen *q, const struct err *err);
