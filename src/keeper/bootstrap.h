/* bootstrap - `infer` with nothing running: queen, hive and a worker for the model,
 * after asking. */
#pragma once

#include "keeper/keeper.h"

#include <stddef.h>

/*
 * Make sure that somebody could serve `model` at `queen`, as far as this machine can:
 * starts what is missing when its URL is on loopback and the user says yes (`yes`
 * answers for them; off a terminal the answer is no). What is missing elsewhere is left
 * for the queen to say.
 * Errors: ERR_UNAVAILABLE (nothing runs and nothing was started: says what to run),
 * and those of launching.
 */
MUST_CHECK int bootstrap(struct keeper *k, const struct service *queen, const char *model, bool yes,
                         struct err *err);

/* The first models directory there is: $RBEE_MODELS_DIR, ./models, beside this program,
 * ~/.local/share/rbee/models. False when there is none. */
bool bootstrap_models_dir(char *ret, size_t size);

/* Where a hive on this machine listens by default. */
extern const char bootstrap_hive_url[];
