#include "http/guard.h"

#include "base/parse.h"

#include <assert.h>
#include <stdint.h>

enum { LOOPBACK_NAMES = 3 }; /* the first rows of guard::hosts */

struct authority {
    struct str host; /* without brackets */
    uint16_t port;   /* 0: not said */
};

void guard_init(struct guard *g)
{
    static const char *const names[LOOPBACK_NAMES] = { "localhost", "127.0.0.1", "::1" };

    memset(g, 0, sizeof(*g));
    for (size_t i = 0; i < LOOPBACK_NAMES; i++)
        (void)str_copy(g->hosts[g->hosts_len++], sizeof(g->hosts[0]), str_of(names[i]));
}

static bool has_host(const struct guard *g, struct str host, size_t from)
{
    for (size_t i = from; i < g->hosts_len; i++)
        if (str_ieq(host, g->hosts[i]))
            return true;
    return false;
}

int guard_add_host(struct guard *g, struct str host, struct err *err)
{
    if (has_host(g, host, 0))
        return 0;
    if (g->hosts_len == GUARD_HOSTS_MAX)
        return err_set(err, ERR_LIMIT, "more than %d host names", GUARD_HOSTS_MAX);
    if (host.len == 0 || !str_copy(g->hosts[g->hosts_len], sizeof(g->hosts[0]), host))
        return err_set(err, ERR_LIMIT, "a host name has 1 to %zu characters",
                       sizeof(g->hosts[0]) - 1);
    g->hosts_len++;
    return 0;
}

static bool parse_port(struct str text, uint16_t *ret)
{
    uint64_t port = 0;

    if (text.len == 0)
        return true;
    if (text.p[0] != ':' || !parse_u64_str((struct str){ text.p + 1, text.len - 1 }, &port) ||
        port == 0 || port > UINT16_MAX)
        return false;
    *ret = (uint16_t)port;
    return true;
}

/* "name", "name:80", "[::1]:80". An IPv6 address without brackets is nobody's. */
static bool parse_authority(struct str text, struct authority *ret)
{
    const char *end;

    *ret = (struct authority){ 0 };
    if (text.len > 0 && text.p[0] == '[') {
        end = memchr(text.p, ']', text.len);
        if (!end)
            return false;
        ret->host = (struct str){ text.p + 1, (size_t)(end - text.p) - 1 };
        end++;
    } else {
        end = memchr(text.p, ':', text.len);
        if (!end)
            end = text.p + text.len;
        ret->host = (struct str){ text.p, (size_t)(end - text.p) };
    }
    struct str rest = { end, (size_t)(text.p + text.len - end) };
    return ret->host.len > 0 && parse_port(rest, &ret->port);
}

/* No Host at all comes from HTTP/1.0 tools, never from a browser. */
static int check_host(const struct guard *g, const struct guard_facts *facts,
                      struct authority *ret_host, struct err *err)
{
    *ret_host = (struct authority){ 0 };
    if (facts->host.len == 0)
        return 0;
    if (parse_authority(facts->host, ret_host) && has_host(g, ret_host->host, 0))
        return 0;
    return err_set(err, ERR_HOST,
                   "this service does not answer to the host '%.*s': use its address, or add the "
                   "name to its configuration",
                   STR_ARG(facts->host));
}

static uint16_t default_port(struct str scheme)
{
    if (str_eq(scheme, "http"))
        return 80;
    return str_eq(scheme, "https") ? 443 : 0;
}

static bool same_port(struct authority host, struct authority origin, uint16_t port_of_scheme)
{
    uint16_t want = host.port ? host.port : port_of_scheme;
    uint16_t got = origin.port ? origin.port : port_of_scheme;

    return want == got;
}

/*
 * A page's own server may call us: the origin names one of our configured hosts,
 * or this machine with the very port that was called (another program's page on
 * this machine has another port).
 */
static bool is_our_origin(const struct guard *g, struct authority host, struct str origin)
{
    const char *colon = origin.len > 3 ? memmem(origin.p, origin.len, "://", 3) : NULL;
    struct authority from;

    if (!colon)
        return false;
    struct str scheme = { origin.p, (size_t)(colon - origin.p) };
    struct str rest = { colon + 3, origin.len - scheme.len - 3 };
    uint16_t port = default_port(scheme);
    if (port == 0 || !parse_authority(rest, &from))
        return false;
    return has_host(g, from.host, LOOPBACK_NAMES) ||
           (has_host(g, from.host, 0) && same_port(host, from, port));
}

static int check_content_type(const struct guard_facts *facts, struct err *err)
{
    struct str type = facts->content_type;
    const char *semicolon = type.len > 0 ? memchr(type.p, ';', type.len) : NULL;

    if (semicolon)
        type.len = (size_t)(semicolon - type.p);
    if (str_ieq(str_trim(type), "application/json"))
        return 0;
    bool says_nothing = !facts->has_body && facts->content_type.len == 0;
    if (says_nothing || str_eq(facts->method, "GET") || str_eq(facts->method, "HEAD"))
        return 0;
    return err_set(err, ERR_CONTENT_TYPE, "send the body as 'Content-Type: application/json'");
}

static struct str shown_token(const struct guard_facts *facts)
{
    static const char scheme[] = "Bearer ";
    size_t len = strlen(scheme);
    struct str value = facts->authorization;

    if (value.len > len && strncasecmp(value.p, scheme, len) == 0)
        return str_trim((struct str){ value.p + len, value.len - len });
    return facts->api_key;
}

static bool is_set(const struct secret *secret)
{
    return secret->text[0] != '\0';
}

/* The strongest role that the token holds; ROUTE_OPEN for a wrong one. All three
 * are compared, so that the time tells nothing. */
static enum route_role role_of(const struct guard *g, struct str token)
{
    bool is_client = secret_matches(&g->client, token);
    bool is_hive = secret_matches(&g->hive, token);
    bool is_admin = secret_matches(&g->admin, token);

    if (is_admin)
        return ROUTE_ADMIN;
    if (is_hive)
        return ROUTE_HIVE;
    return is_client ? ROUTE_CLIENT : ROUTE_OPEN;
}

int guard_check_role(const struct guard *g, enum route_role role, const struct guard_facts *facts,
                     struct err *err)
{
    if (role == ROUTE_OPEN || facts->is_same_user)
        return 0;
    if (!is_set(&g->client) && !is_set(&g->hive) && !is_set(&g->admin))
        return 0;
    struct str token = shown_token(facts);
    if (token.len == 0)
        return err_set(err, ERR_NO_API_KEY,
                       "a token is needed here: send 'Authorization: Bearer TOKEN'");
    enum route_role held = role_of(g, token);
    if (held == ROUTE_OPEN)
        return err_set(err, ERR_BAD_API_KEY, "the token is not one of this service's");
    if (held < role)
        return err_set(err, ERR_FORBIDDEN, "this token may not do that: use the %s token",
                       role == ROUTE_ADMIN ? "administrator's" : "hives'");
    return 0;
}

int guard_check(const struct guard *g, enum route_role role, const struct guard_facts *facts,
                struct err *err)
{
    struct authority host;
    int rc;

    assert(role >= ROUTE_OPEN && role <= ROUTE_ADMIN);
    if (!facts->is_same_user) { /* no web page reaches a unix socket */
        rc = check_host(g, facts, &host, err);
        if (rc < 0)
            return rc;
        if (facts->origin.len > 0 && !is_our_origin(g, host, facts->origin))
            return err_set(err, ERR_ORIGIN, "pages of '%.*s' may not call this service",
                           STR_ARG(facts->origin));
    }
    rc = check_content_type(facts, err);
    return rc < 0 ? rc : guard_check_role(g, role, facts, err);
}
