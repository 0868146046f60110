/* options - what llm-worker-rbee can be told. */
#pragma once

#include "base/err.h"
#include "base/labels.h"
#include "base/option.h"
#include "base/option_common.h"
#include "loop/endpoint.h"
#include "models/models.h"
#include "registry/worker.h"

#include <stdbool.h>
#include <stdint.h>

enum worker_exit { /* documented in --help and the man page */
                   WORKER_EXIT_OK = 0,
                   WORKER_EXIT_FAILED = 1,
                   WORKER_EXIT_USAGE = 2,
                   WORKER_EXIT_MODEL = 65,  /* EX_DATAERR */
                   WORKER_EXIT_ENGINE = 69, /* EX_UNAVAILABLE */
};

struct worker_options {
    struct option_common common;
    char *model, *model_ref, *alias, *device, *worker_id, *engine_dir;
    char *queen_url, *queen_token_file;
    struct option_list labels;
    int64_t slots, ctx, threads, gpu_layers, queue;
    uint64_t drain_timeout_ms;
    bool exit_with_parent;

    /* Worked out from the above by worker_options_check(). */
    char model_file[MODEL_PATH_SIZE];
    char ref[MODEL_REF_SIZE]; /* the model's name in requests and telemetry */
    char id[WORKER_ID_SIZE];
    struct labels label_map;
    struct endpoint queen; /* with queen_url */
};

extern const struct option_program worker_program;

/*
 * Fill in what was left open and check what one option says against another. --model may
 * name a directory: then the first model in it is meant, as with a hive's references.
 * Errors: ERR_INVALID, naming the option; with param "model" when there is no such model.
 */
MUST_CHECK int worker_options_check(struct worker_options *o, struct err *err);
void worker_options_free(struct worker_options *o); /* also when half loaded */
