/* info - the routes that say how the worker is: alive, ready, busy, with which model. */
#pragma once

#include "base/json_write.h"
#include "http/route.h"

struct worker;

route_fn info_health;   /* GET /health: 503 while the model is being loaded */
route_fn info_ready;    /* GET /ready: 503 until then, and while draining */
route_fn info_get;      /* GET /info, /v1/info */
route_fn info_metrics;  /* GET /metrics */
route_fn info_models;   /* GET /v1/models */
route_fn info_model;    /* GET /v1/models/{id} */
route_fn info_shutdown; /* POST /v1/shutdown */

/* The members of PROTOCOL's WorkerInfo, into an object that is open: for GET /info and
 * for heartbeats. */
void info_write(const struct worker *w, struct json_out *o);
