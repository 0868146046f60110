/* sampler - one run's way of choosing tokens, as a chain of llama.cpp's samplers. */
#pragma once

#include "engine/engine.h"
#include "engine/model.h"

/* Free with llama_sampler_free(). Never NULL. */
struct llama_sampler *sampler_new(const struct model *m, const struct engine_sampling *sampling);
