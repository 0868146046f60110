/* native - rbee's own dual call: a job is posted, its stream is opened, it is deleted. */
#pragma once

#include "http/route.h"

route_fn native_post;   /* POST /v1/inference */
route_fn native_stream; /* GET /v1/inference/{id}/stream */
route_fn native_delete; /* DELETE /v1/inference/{id} */
