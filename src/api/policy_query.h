/* policy_query - what the addresses of the administrators' calls about policies say: names in their
 * paths, parameters behind the '?'. */
#pragma once

#include "http/server.h"
#include "release/store.h"

#include <stdint.h>

/* The first part of the path that varies, with no parameter behind it. ERR_INVALID. */
MUST_CHECK int policy_path_name(const struct http_request *req, char ret[SCRIPT_NAME_SIZE],
                                struct err *err);
/* The second one. */
MUST_CHECK int policy_path_version(const struct http_request *req, uint32_t *ret, struct err *err);

/* Only these, of which the list ends with NULL. ERR_INVALID names any other. */
MUST_CHECK int policy_query_check(const struct http_request *req, const char *const *known,
                                  struct err *err);

/* `ret` is untouched when it is absent. ERR_INVALID. */
MUST_CHECK int policy_query_number(const struct http_request *req, const char *name, uint64_t min,
                                   uint64_t max, uint64_t *ret, struct err *err);
/* The same for a text; an empty one is an error. */
MUST_CHECK int policy_query_text(const struct http_request *req, const char *name, char *dst,
                                 size_t size, struct err *err);
