/* spawn_request - the body of worker_spawn, read and checked. Pure; fuzzed. */
#pragma once

#include "base/err.h"
#include "base/str.h"
#include "supervisor/supervisor.h"

struct spawn_request {
    char hive_id[HIVE_ID_SIZE]; /* "" when not said */
    struct worker_spec spec;    /* without model_path */
};
void spawn_request_free(struct spawn_request *r);

/*
 * Unknown members are refused by name: a worker is started with what this hive decides,
 * not with arguments from outside. Errors: ERR_JSON, ERR_MISSING, ERR_INVALID (param set).
 */
MUST_CHECK int spawn_request_parse(struct str body, struct spawn_request *ret, struct err *err);
