/*
 * guard - who may call: Host, Origin, content type and tokens, for every route of
 * every daemon, before a body is read (PROTOCOL "Loopback is not authentication").
 * Pure: a request's facts in, a verdict out.
 */
#pragma once

#include "base/err.h"
#include "base/secret.h"
#include "base/str.h"
#include "http/route.h"

#include <stdbool.h>
#include <stddef.h>

enum { GUARD_HOSTS_MAX = 64 };

struct guard {
    struct secret client, hive, admin; /* "" : none configured */
    char hosts[GUARD_HOSTS_MAX][256];  /* names and addresses we answer to, without ports; the
                                          loopback names are always among them */
    size_t hosts_len;
};

void guard_init(struct guard *g);

/* A name or an address (without port, without brackets). ERR_LIMIT. */
MUST_CHECK int guard_add_host(struct guard *g, struct str host, struct err *err);

struct guard_facts {
    struct str method;
    struct str host;   /* Host header or authority, with port; empty over a unix socket is fine */
    struct str origin; /* empty when absent */
    struct str content_type;  /* empty when absent */
    struct str authorization; /* "Bearer X" */
    struct str api_key;       /* X-Api-Key */
    bool has_body;
    bool is_same_user; /* over our unix socket, by our own uid or root: counts as admin */
};

/*
 * 0, or ERR_HOST, ERR_ORIGIN, ERR_CONTENT_TYPE, ERR_NO_API_KEY, ERR_BAD_API_KEY,
 * ERR_FORBIDDEN. With no token configured at all every role is granted (a
 * loopback-only daemon); a role whose token is not configured while another is,
 * is held by a stronger token only.
 */
MUST_CHECK int guard_check(const struct guard *g, enum route_role role,
                           const struct guard_facts *facts, struct err *err);

/* Does what the caller showed hold `role`? For operations inside one route. */
MUST_CHECK int guard_check_role(const struct guard *g, enum route_role role,
                                const struct guard_facts *facts, struct err *err);
