#include "loop/internal.h"

#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

void address_port_text(const struct endpoint *e, char out[ADDRESS_PORT_SIZE])
{
    (void)snprintf(out, ADDRESS_PORT_SIZE, "%u", e->port);
}

struct addrinfo *address_numeric(const struct endpoint *e)
{
    const struct addrinfo hints = {
        .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
        .ai_socktype = SOCK_STREAM,
    };
    struct addrinfo *found;
    char port[ADDRESS_PORT_SIZE];

    address_port_text(e, port);
    return e->host[0] && getaddrinfo(e->host, port, &hints, &found) == 0 ? found : NULL;
}

/* A socket for both families sees IPv4 peers as ::ffff:1.2.3.4: undo that. */
static void unmap(struct sockaddr_storage *address)
{
    struct sockaddr_in6 in6;
    struct sockaddr_in in = { .sin_family = AF_INET };

    memcpy(&in6, address, sizeof(in6));
    if (address->ss_family != AF_INET6 || !IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr))
        return;
    in.sin_port = in6.sin6_port;
    memcpy(&in.sin_addr, &in6.sin6_addr.s6_addr[12], sizeof(in.sin_addr));
    memcpy(address, &in, sizeof(in));
}

void address_to_endpoint(const struct sockaddr_storage *from, struct endpoint *ret)
{
    struct sockaddr_storage address = *from;

    *ret = (struct endpoint){ .is_unix = from->ss_family == AF_UNIX };
    if (ret->is_unix)
        return;
    unmap(&address);
    if (getnameinfo((struct sockaddr *)&address, sizeof(address), ret->host, sizeof(ret->host),
                    NULL, 0, NI_NUMERICHOST) != 0) {
        ret->host[0] = '\0';
        return;
    }
    /* sin_port and sin6_port stand at the same place (RFC 2553, 3.3). */
    ret->port = ntohs(((const struct sockaddr_in *)from)->sin_port);
}

socklen_t address_unix(const struct endpoint *e, struct sockaddr_un *ret)
{
    size_t len = strnlen(e->host, sizeof(ret->sun_path) - 1);

    *ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
    memcpy(ret->sun_path, e->host, len);
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + 1);
}
