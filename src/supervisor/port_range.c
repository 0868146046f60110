#include "supervisor/port_range.h"

#include "base/mem.h"
#include "base/parse.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

static bool parse_port(struct str text, uint16_t *ret)
{
    uint64_t n;

    if (!parse_u64_str(text, &n) || n == 0 || n > UINT16_MAX)
        return false;
    *ret = (uint16_t)n;
    return true;
}

int port_range_parse(struct str text, struct port_range *ret, struct err *err)
{
    const char *dash = text.len ? memchr(text.p, '-', text.len) : NULL;
    size_t first = dash ? (size_t)(dash - text.p) : text.len;
    size_t second = dash ? first + 1 : 0;
    struct port_range range;

    if (!parse_port((struct str){ text.p, first }, &range.from) ||
        !parse_port((struct str){ text.p + second, text.len - second }, &range.to) ||
        range.from > range.to)
        return err_set(err, ERR_INVALID,
                       "'%.*s' is not a range of ports; write FROM-TO with 1 <= FROM <= TO <= "
                       "65535, such as 8080-8999",
                       STR_ARG(text));
    *ret = range;
    return 0;
}

static bool can_bind(int family, const struct sockaddr *address, socklen_t len)
{
    AUTO(close_fd) int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int on = 1;

    /* As a listener does it: what waits in TIME_WAIT does not count as in use. */
    return fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
           bind(fd, address, len) == 0 && listen(fd, 1) == 0;
}

bool port_is_free(const char *host, uint16_t port)
{
    struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
    struct sockaddr_in four = { .sin_family = AF_INET, .sin_port = htons(port) };

    if (inet_pton(AF_INET6, host, &six.sin6_addr) == 1)
        return can_bind(AF_INET6, (const struct sockaddr *)&six, sizeof(six));
    if (inet_pton(AF_INET, host, &four.sin_addr) != 1)
        four.sin_addr.s_addr = htonl(INADDR_ANY);
    return can_bind(AF_INET, (const struct sockaddr *)&four, sizeof(four));
}
