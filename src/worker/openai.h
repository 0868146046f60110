/* openai - the routes that OpenAI's clients call for an answer. */
#pragma once

#include "http/route.h"

route_fn openai_chat;       /* POST /v1/chat/completions */
route_fn openai_completion; /* POST /v1/completions */
route_fn openai_embedding;  /* POST /v1/embeddings */
