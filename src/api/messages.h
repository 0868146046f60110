/*
 * messages - are these messages that a worker of ours can answer? An OpenAI request goes
 * to its worker as it came, which knows what it can read (images, tools); a native one gets a
 * job id before any worker sees it, so its messages are checked here. Pure.
 */
#pragma once

#include "base/err.h"
#include "base/str.h"

/* `raw` is the JSON array. Errors: ERR_INVALID: a role that is none, a content that is
 * neither text nor an array of text parts, or one of them missing. */
MUST_CHECK int messages_check(struct str raw, struct err *err);
