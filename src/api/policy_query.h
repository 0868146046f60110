/* policy_query - parameters behind the '?' of the administrators' calls about policies. */
#pragma once

#include "http/server.h"

#include <stdint.h>

/* Only these, of which the list ends with NULL. ERR_INVALID names any other. */
MUST_CHECK int policy_query_check(const struct http_request *req, const char *const *known,
                                  struct err *err);

/* `ret` is untouched when it is absent. ERR_INVALID. */
MUST_CHECK int policy_query_number(const struct http_request *req, const char *name, uint64_t min,
                                   uint64_t max, uint64_t *ret, struct err *err);
/* The same for a text; an empty one is an error. */
MUST_CHECK int policy_query_text(const struct http_request *req, const char *name, char *dst,
                                 size_t size, struct err *err);
