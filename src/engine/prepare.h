/* prepare - a run's prompt, rendered and tokenised: the part that may take long on a
 * large prompt, and runs on the thread pool. */
#pragma once

#include "base/err.h"
#include "engine/engine.h"
#include "engine/model.h"
#include "engine/task.h"

/*
 * Fill task->tokens, input_ends and inputs_len (malloc'ed, the task's owner frees them).
 * Errors: ERR_CONTEXT_LENGTH (an input is as long as a slot's context), ERR_INVALID (an
 * empty input, a token that the model has not).
 */
MUST_CHECK int prepare_task(const struct model *m, const struct engine_prompt *prompt,
                            struct task *task, struct err *err);
