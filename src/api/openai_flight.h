/* openai_flight - a synchronous OpenAI request: scheduled, relayed, retried unseen. */
#pragma once

#include "api/infer_request.h"
#include "http/server.h"

struct loop_deadline;
struct queen;

/* Serve `req` (its body parsed into `parsed`, which is consumed). The answer comes
 * later, or at once when the core refuses. */
void openai_flight_begin(struct queen *q, struct http_request *req, enum infer_route route,
                         struct infer_request *parsed);

/* Due: the next queue comment of one flight (queen::queue_updates). */
void openai_flight_on_update(struct loop_deadline *deadline);
