#include "loop/endpoint.h"

#include "base/buf.h"
#include "base/parse.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <netinet/in.h>
#include <sys/un.h>

enum {
    HTTP_PORT = 80,
    NAME_MAX_BYTES = 253,  /* RFC 1035 2.3.4, written with dots */
    QUOTED_MAX_BYTES = 80, /* of a wrong text in a message */
};

struct parts {
    struct str text; /* all of it, for messages */
    struct str host, port;
    bool has_port, has_brackets;
};

static int refuse(const struct parts *p, struct err *err, const char *why)
{
    struct str shown = p->text;

    if (shown.len > QUOTED_MAX_BYTES)
        shown.len = QUOTED_MAX_BYTES;
    return err_set(err, ERR_INVALID, "'%.*s': %s", STR_ARG(shown), why);
}

/* --- Pieces ------------------------------------------------------------------ */

static const char *find(struct str s, const char *what)
{
    return s.len > 0 ? memmem(s.p, s.len, what, strlen(what)) : NULL;
}

static struct str from(struct str s, size_t at)
{
    return (struct str){ s.p + at, s.len - at };
}

/* Cut "http://" and one "/" at the end off `rest`. */
static int cut_scheme(const struct parts *p, struct str *rest, bool *ret_is_url, struct err *err)
{
    const char *colon = find(*rest, "://");

    *ret_is_url = colon != NULL;
    if (!colon)
        return 0;
    struct str scheme = { rest->p, (size_t)(colon - rest->p) };
    if (str_ieq(scheme, "https"))
        return refuse(p, err, "https is not supported: use http, with a TLS proxy before it");
    if (!str_ieq(scheme, "http"))
        return refuse(p, err, "the scheme must be http");
    *rest = from(*rest, scheme.len + strlen("://"));
    if (rest->len > 0 && rest->p[rest->len - 1] == '/')
        rest->len--;
    if (find(*rest, "/") || find(*rest, "?") || find(*rest, "#"))
        return refuse(p, err, "a path is not allowed after the port");
    return 0;
}

static int split_brackets(struct parts *p, struct str rest, struct err *err)
{
    const char *end = find(rest, "]");

    if (!end)
        return refuse(p, err, "the ']' of the IPv6 address is missing");
    p->has_brackets = true;
    p->host = (struct str){ rest.p + 1, (size_t)(end - rest.p) - 1 };
    rest = from(rest, p->host.len + 2);
    if (rest.len == 0)
        return 0;
    if (rest.p[0] != ':')
        return refuse(p, err, "only a ':' and a port may follow ']'");
    p->has_port = true;
    p->port = from(rest, 1);
    return 0;
}

static int split(struct parts *p, struct str rest, struct err *err)
{
    if (find(rest, "@"))
        return refuse(p, err, "a user name is not allowed");
    if (rest.len > 0 && rest.p[0] == '[')
        return split_brackets(p, rest, err);

    const char *colon = find(rest, ":");
    p->host = rest;
    if (!colon)
        return 0;
    p->host.len = (size_t)(colon - rest.p);
    p->has_port = true;
    p->port = from(rest, p->host.len + 1);
    if (find(p->port, ":"))
        return refuse(p, err, "an IPv6 address needs brackets: [::1]:8080");
    return 0;
}

/* --- Checks ------------------------------------------------------------------ */

static int check_ipv6(const struct parts *p, const char *host, struct err *err)
{
    char address[INET6_ADDRSTRLEN];
    struct in6_addr in6;
    struct str bare = str_of(host); /* without a zone: "fe80::1%eth0" */
    const char *zone = find(bare, "%");

    if (zone)
        bare.len = (size_t)(zone - host);
    if (!str_copy(address, sizeof(address), bare) || inet_pton(AF_INET6, address, &in6) != 1 ||
        (zone && !zone[1]))
        return refuse(p, err, "between the brackets must be an IPv6 address");
    return 0;
}

/* The resolver would take digits such as "127.1" or "10.0.0.256" in ways that
 * nobody meant. */
static int check_name(const struct parts *p, const char *host, struct err *err)
{
    size_t len = strlen(host);
    struct in_addr in;

    if (len > NAME_MAX_BYTES)
        return refuse(p, err, "the host name is longer than 253 characters");
    if (strspn(host, "0123456789.") == len) {
        if (len > 0 && inet_pton(AF_INET, host, &in) != 1)
            return refuse(p, err, "the host is not an IPv4 address of four numbers");
        return 0;
    }
    if (strcmp(host, "unix") == 0) /* "http://unix:80", shown, would be a unix socket */
        return refuse(p, err, "a host cannot be called unix: give its address");
    for (size_t i = 0; i < len; i++) {
        bool is_dot = host[i] == '.';
        if (!isalnum((unsigned char)host[i]) && !strchr("-_.", host[i]))
            return refuse(p, err, "a host name has only letters, digits, '-', '_' and '.'");
        if (is_dot && (i == 0 || host[i - 1] == '.'))
            return refuse(p, err, "a host name has a letter or digit before each '.'");
    }
    return 0;
}

static int check_host(const struct parts *p, bool is_url, struct endpoint *e, struct err *err)
{
    if (p->host.len == 0 && (is_url || p->has_brackets))
        return refuse(p, err, "the host is missing");
    if (!str_copy(e->host, sizeof(e->host), p->host))
        return refuse(p, err, "the host is too long or holds a NUL byte");
    return p->has_brackets ? check_ipv6(p, e->host, err) : check_name(p, e->host, err);
}

static int check_port(const struct parts *p, bool is_url, struct endpoint *e, struct err *err)
{
    uint64_t port = HTTP_PORT;

    if (!p->has_port && !is_url)
        return refuse(p, err, "a port is missing: write HOST:PORT, as in 127.0.0.1:8080");
    if (p->has_port && (!parse_u64_str(p->port, &port) || port > UINT16_MAX))
        return refuse(p, err, "the port must be a number from 0 to 65535");
    e->port = (uint16_t)port;
    return 0;
}

/* --- The interface ----------------------------------------------------------- */

static int parse_unix(const struct parts *p, struct endpoint *e, struct err *err)
{
    struct str path = from(p->text, strlen("unix:"));

    if (path.len == 0)
        return refuse(p, err, "a path is missing: write unix:PATH");
    if (path.len >= sizeof(((struct sockaddr_un *)0)->sun_path))
        return refuse(p, err, "the path of a unix socket has at most 107 bytes");
    if (!str_copy(e->host, sizeof(e->host), path))
        return refuse(p, err, "the path holds a NUL byte");
    e->is_unix = true;
    return 0;
}

int endpoint_parse(struct str text, struct endpoint *ret, struct err *err)
{
    struct parts p = { .text = text };
    struct endpoint e = { 0 };
    struct str rest = text;
    bool is_url = false;
    int rc;

    if (str_starts(text, "unix:")) {
        rc = parse_unix(&p, &e, err);
    } else {
        rc = cut_scheme(&p, &rest, &is_url, err);
        if (rc == 0)
            rc = split(&p, rest, err);
        if (rc == 0)
            rc = check_port(&p, is_url, &e, err);
        if (rc == 0)
            rc = check_host(&p, is_url, &e, err);
    }
    if (rc == 0)
        *ret = e;
    return rc;
}

/* Without printf: each call to a worker looks its pool of connections up by this. */
void endpoint_text(const struct endpoint *e, char out[ENDPOINT_TEXT_SIZE])
{
    bool has_brackets = !e->is_unix && strchr(e->host, ':');
    struct buf text;

    buf_init_fixed(&text, out, ENDPOINT_TEXT_SIZE);
    (void)buf_puts(&text, e->is_unix ? "unix:" : has_brackets ? "[" : "");
    (void)buf_puts(&text, e->host);
    if (!e->is_unix) {
        (void)buf_puts(&text, has_brackets ? "]:" : ":");
        (void)buf_put_uint(&text, e->port);
    }
    (void)buf_cstr(&text);
}

bool endpoint_is_loopback(const struct endpoint *e)
{
    struct in_addr in;
    struct in6_addr in6;

    if (e->is_unix || strcasecmp(e->host, "localhost") == 0)
        return true;
    if (inet_pton(AF_INET, e->host, &in) == 1)
        return ntohl(in.s_addr) >> 24 == 127;
    return inet_pton(AF_INET6, e->host, &in6) == 1 &&
           (IN6_IS_ADDR_LOOPBACK(&in6) || (IN6_IS_ADDR_V4MAPPED(&in6) && in6.s6_addr[12] == 127));
}
