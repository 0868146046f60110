/* answer_headers - what every answer of the OpenAI routes tells about itself. */
#pragma once

#include "http/server.h"

#include <stdint.h>

struct answer_facts {
    uint64_t overhead_us; /* what the queen itself took, without the queue */
    uint64_t queue_ms;
    const char *policy;    /* who chose */
    const char *worker_id; /* who served; "" or NULL for nobody */
};

/* x-rbee-overhead-ms, x-rbee-queue-ms, x-rbee-policy, and x-rbee-worker if there is one. */
void answer_headers_set(struct http_request *req, const struct answer_facts *facts);
