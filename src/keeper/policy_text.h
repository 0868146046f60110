/* policy_text - a policy's text on its way to the queen, and what the queen finds wrong. */
#pragma once

#include "keeper/policy_work.h"

#include "base/json_write.h"

/* Members "language" and "source". */
void policy_text_write(struct json_out *out, const struct policy_file *file);

/* The queen's diagnostics in the last answer, on stderr; the number of errors. */
unsigned policy_text_complain(const struct policy_work *c, const struct policy_file *file);

/*
 * Send `file`, with what `more` adds (may be NULL), to `path`. Gives EXIT_DONE, EXIT_FAILED
 * when the queen found it invalid and that has been told, or an error.
 */
MUST_CHECK int policy_text_send(struct policy_work *c, const char *path,
                                const struct policy_file *file,
                                void (*more)(const struct policy_work *c, struct json_out *out),
                                struct err *err);
