/*
 * policy_reply - what administrators are told about policies: the answer itself, the same
 * for a route and for an operation of POST /v1/jobs, and the parts that many answers share.
 */
#pragma once

#include "api/operations.h"
#include "api/policies.h"
#include "base/json_write.h"

enum { POLICY_REPLY_BYTES_MAX = 64 * 1024 * 1024 };

/* Answer with one JSON object. `op` NULL: `status` and the object as they are. Else a
 * success becomes a job that has ended, with the object as its result. */
void policy_reply(struct http_request *req, const struct operation *op, unsigned status,
                  struct str json);

/* A reply's object is written by `write`, into memory of this function's. */
void policy_reply_with(struct http_request *req, const struct operation *op,
                       void (*write)(const void *data, struct json_out *out), const void *data);

/* 422: the policy is invalid, in these words, and nothing has changed. */
void policy_reply_invalid(struct http_request *req, const struct diagnostics *d,
                          const struct validation_result *validation /* or NULL */);

/* 503: nobody's fault, and worth another try later: no host could be had, or the machine was too
 * busy for `what` ("the policy could not be tried"). */
void policy_reply_untried(struct http_request *req, const char *what, const struct diagnostics *d);

/* Members. */
void policy_write_diagnostics(struct json_out *out, const struct diagnostics *d);
void policy_write_validation(struct json_out *out, const struct validation_result *v);
void policy_write_version(struct json_out *out, const struct policy_version *v, bool is_active);
void policy_write_log(struct json_out *out, struct str log, bool is_cut);

/* The first error; NULL: there are warnings at most. */
const struct diagnostic *policy_first_error(const struct diagnostics *d);
