/* Jobs of the dual call: submit, follow, cancel. */
#include "api/handlers.h"

#include "api/operations.h"
#include "api/queen.h"
#include "proxy/job_table.h"

void api_jobs_post(struct http_request *req)
{
    const struct operation *op;
    struct err err;

    int rc = operation_find(http_request_body(req), &op, &err);
    if (rc == 0)
        rc = http_request_check_role(req, op->role, &err);
    if (rc < 0)
        http_reply_error(req, &err);
    else
        op->run(http_request_app(req), req, op);
}

static struct job_table *table(struct http_request *req)
{
    return ((struct queen *)http_request_app(req))->jobs;
}

void api_jobs_list(struct http_request *req)
{
    job_table_reply_list(table(req), req);
}

void api_jobs_get(struct http_request *req)
{
    job_table_reply_state(table(req), req);
}

void api_jobs_stream(struct http_request *req)
{
    job_table_reply_stream(table(req), req);
}

void api_jobs_delete(struct http_request *req)
{
    job_table_reply_delete(table(req), req);
}
