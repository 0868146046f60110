/*
 * reading - from a request's body to what it asks for. Small bodies are read at once,
 * large ones on the thread pool: reading 32 MB of JSON takes a good part of a second,
 * and the other streams must not feel it.
 */
#pragma once

#include "worker/inference_request.h"

#include <stddef.h>

enum {
    READING_INLINE_BYTES_MAX = 64 * 1024,
    /* Of bodies being read, and of requests whose prompts are not tokenised yet. */
    READING_HELD_BYTES_MAX = 256 * 1024 * 1024,
};

struct http_request;

/* `request` is the callee's, and `req` is to be answered. */
typedef void reading_fn(struct http_request *req, struct inference_request *request);

/*
 * Take the body of `req` and read it; then `then`, now or later, unless the client has
 * left. What is wrong is answered here: inference_request_parse()'s errors,
 * ERR_MODEL_NOT_FOUND when another model is named, ERR_UNAVAILABLE while the model is
 * being loaded, ERR_LIMIT beyond READING_HELD_BYTES_MAX. The worker is the server's app.
 */
void reading_start(struct http_request *req, enum inference_form form, reading_fn *then);
