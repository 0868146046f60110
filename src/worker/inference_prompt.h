/* inference_prompt - the part of a request that can be large: messages, texts, tokens. */
#pragma once

#include "worker/inference_request.h"

struct json;

/* Each reads the value that comes next into `r`; what is wrong fails the reader. */

/* [{"role", "content"}]; a content is a text, null, or an array of text parts. */
void inference_prompt_read_messages(struct json *j, struct inference_request *r);

/* A text, an array of texts, tokens, or an array of arrays of tokens. */
void inference_prompt_read_inputs(struct json *j, struct inference_request *r);
