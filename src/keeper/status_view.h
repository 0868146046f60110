/* status_view - the queen's `status` result as tables for people. */
#pragma once

#include "base/err.h"
#include "base/str.h"

#include <stdio.h>

/* `result` is the raw JSON object. Errors: ERR_JSON, ERR_INVALID. */
MUST_CHECK int status_view_print(struct str result, FILE *to, struct err *err);

/* Only the part of that name ("workers", "models") and nothing else. */
MUST_CHECK int status_view_print_part(struct str result, const char *part, FILE *to,
                                      struct err *err);
