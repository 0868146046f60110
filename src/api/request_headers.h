/*
 * request_headers - what a client says of a request by headers (X-Priority,
 * X-Session-Id, X-Deadline, X-Rbee-Label-K), laid over what its body said.
 */
#pragma once

#include "api/infer_request.h"
#include "http/server.h"

/*
 * Also turns the deadline, header or body, into one on the core's clock. A header
 * wins over the body's field of the same meaning.
 * Errors: ERR_INVALID, param = the header's name.
 */
MUST_CHECK int request_headers_apply(const struct http_request *req, uint64_t now_ms,
                                     struct infer_request *parsed, struct err *err);

/* Did the client ask for queue comments (X-Rbee-Queue-Updates: 1)? */
bool request_wants_queue_updates(const struct http_request *req);
