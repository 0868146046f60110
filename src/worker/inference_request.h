/*
 * inference_request - the JSON body of a request for inference, checked and unpacked. Pure;
 * fuzzed (fuzz/fuzz_inference_request.c).
 *
 * Unknown fields are ignored, null is as good as absent, and what would change the
 * answer but is not built (tools, logit_bias, several choices ...) is refused by name.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "engine/engine.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { REQUEST_MESSAGES_MAX = 8192, REQUEST_MODEL_SIZE = 256 };

enum inference_form {
    FORM_NATIVE,     /* POST /v1/inference */
    FORM_CHAT,       /* POST /v1/chat/completions */
    FORM_COMPLETION, /* POST /v1/completions */
    FORM_EMBEDDING,  /* POST /v1/embeddings */
};

struct inference_request {
    enum inference_form form;
    char model[REQUEST_MODEL_SIZE]; /* "" when not named */

    struct engine_message *messages; /* these, or `inputs` */
    size_t messages_len;
    struct engine_input *inputs;
    size_t inputs_len;
    struct engine_message only_message; /* inference_request_make_chat()'s */

    struct engine_sampling sampling;
    bool has_seed;
    int64_t seed;       /* as given; sampling.seed holds what the engine makes of it */
    int64_t max_tokens; /* 0: not said */
    struct str stops[ENGINE_STOPS_MAX];
    size_t stops_len;

    bool stream, include_usage;
    bool wants_logprobs;
    int64_t top_logprobs;
    bool wants_base64;  /* encoding_format */
    int64_t dimensions; /* 0: not said */

    char *body; /* what the views above point into; owned, as is the arena */
    size_t body_len;
    size_t *held_bytes; /* falls by body_len when this is freed; may be NULL */
    struct arena arena;
};

/*
 * Takes `body` (malloc'ed, `len` bytes) in any case.
 * Errors: ERR_JSON, ERR_INVALID, ERR_MISSING, ERR_UNSUPPORTED as 400s with the field's
 * name in err->param.
 */
MUST_CHECK int inference_request_parse(enum inference_form form, char *body, size_t len,
                                       struct inference_request **ret, struct err *err);
void inference_request_free(void *request); /* fits engine_prompt::release */

/* Make a seed when none was given: the answer names it. */
void inference_request_choose_seed(struct inference_request *r, uint64_t random);

/*
 * Make a prompt that is one text into a chat with one user's message. For the native
 * call: who prompts a model that was made to answer wants an answer, and who wants the
 * bare text continued has /v1/completions. Anything else stays as it is.
 */
void inference_request_make_chat(struct inference_request *r);

/* What the engine is asked for; borrows from `r`, which the engine releases. */
void inference_request_to_run(struct inference_request *r, struct engine_run_options *ret);
