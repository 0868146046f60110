/*
 * leftover - workers that outlived a hive which crashed: those that do not end with their
 * parent. Nobody would stop them, and nobody knows their tokens any more, so its
 * successor ends them before it starts its own.
 */
#pragma once

#include "base/str.h"
#include "registry/worker.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* One that was ended. `model` is "" when its command line does not tell. */
typedef void leftover_fn(void *data, pid_t pid, const char *worker_id, const char *model);

/*
 * SIGKILL the group of every process under `proc_root` ("/proc") that was started with a
 * --token-file inside `tokens_dir`. Only a hive that holds its state directory may call
 * this. Returns how many there were.
 */
size_t leftovers_end(const char *proc_root, const char *tokens_dir, const char *models_dir,
                     leftover_fn *on_end, void *data);

/*
 * The reference of the model that a process serves (PROTOCOL "Telemetry"): the spawn
 * record's when there is one (`record`, else NULL), else its --model-ref or --alias, else
 * its --model as a reference inside `models_dir`. False when none of them tells.
 */
bool process_model(const char *record, struct str cmdline, const char *models_dir,
                   char ret[MODEL_REF_SIZE]);
