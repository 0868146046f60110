/* route - a daemon's whole HTTP surface, as one table. */
#pragma once

#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

struct http_request;

/* Answers `req` now or later (http/server.h), exactly once. */
typedef void route_fn(struct http_request *req);

enum route_role {
    ROUTE_OPEN,   /* no token asked: liveness only */
    ROUTE_CLIENT, /* a client's token, or a stronger one */
    ROUTE_HIVE,   /* the hives' token, or the administrator's */
    ROUTE_ADMIN,
};

enum route_flag {
    ROUTE_OPENAI = 1 << 0, /* errors in OpenAI's shape; else the native one */
};

struct route {
    const char *method;  /* "GET" serves HEAD too */
    const char *pattern; /* "/v1/jobs/{id}/stream": "{name}" matches one segment, a last
                          * "{name...}" all that is left */
    route_fn *handle;
    enum route_role role;
    unsigned flags;
    size_t body_bytes_max; /* 0: the server's default */
    const char *summary;   /* for the docs */
};

enum { ROUTE_PARAMS_MAX = 4 };

struct route_match {
    const struct route *route;           /* NULL when no path matched */
    bool path_known;                     /* a route matched but for the method: 405, not 404 */
    unsigned flags;                      /* of `route`; for a 405, of all with this path */
    struct str params[ROUTE_PARAMS_MAX]; /* views of `path`, in the pattern's order */
};

/* `routes` ends with a row without a method. `path` has no query. */
void route_find(const struct route *routes, struct str method, struct str path,
                struct route_match *ret);
