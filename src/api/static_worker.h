/*
 * static_worker - `--worker URL,model=NAME[,slots=4][,kind=openai][,key-file=FILE]
 * [,label.KEY=VALUE...]`: an existing OpenAI-compatible endpoint as a worker.
 */
#pragma once

#include "base/err.h"
#include "base/str.h"
#include "registry/worker.h"

/*
 * The id is `id=`, else host:port and the model. On success release with
 * worker_facts_free(). Errors: ERR_INVALID naming the part, ERR_SYSTEM and ERR_INVALID
 * from the key file.
 */
MUST_CHECK int static_worker_parse(struct str text, struct worker_facts *ret, struct err *err);
