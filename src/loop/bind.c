#include "base/mem.h"
#include "loop/internal.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/stat.h>
#include <sys/un.h>

enum {
    BACKLOG = 1024, /* net.core.somaxconn may lower it */
    /* What the kernel holds unsent for a client that reads slowly, beside our own
     * queue; what is on its way is not counted, so fast ones lose nothing. */
    NOTSENT_BYTES_MAX = 64 * 1024,
    UNIX_MODE = 0600,
};

static int fail(const struct endpoint *at, struct err *err)
{
    int sys_errno = errno;
    char text[ENDPOINT_TEXT_SIZE];

    endpoint_text(at, text);
    if (sys_errno == EADDRINUSE && at->is_unix)
        return err_set(err, ERR_CONFLICT, "%s is in use: a process listens there, or it is a file",
                       text);
    if (sys_errno == EADDRINUSE)
        return err_set(err, ERR_CONFLICT, "%s is in use: \"ss -ltnp 'sport = :%u'\" shows by whom",
                       text, at->port);
    if (sys_errno == EADDRNOTAVAIL)
        return err_set(err, ERR_INVALID, "%s is not an address of this machine", text);
    return err_sys(err, "cannot listen on %s", text);
}

/* --- TCP --------------------------------------------------------------------- */

static void set_flag(int fd, int level, int option, int value)
{
    (void)setsockopt(fd, level, option, &value, sizeof(value));
}

/* What accepted sockets inherit is set here once. -1 with errno. */
static int listen_tcp(const struct sockaddr *address, socklen_t len, bool ipv6_only)
{
    int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0)
        return -1;
    if (address->sa_family == AF_INET6)
        set_flag(fd, IPPROTO_IPV6, IPV6_V6ONLY, ipv6_only);
    set_flag(fd, SOL_SOCKET, SO_REUSEADDR, 1); /* not while another listens, only after it */
    set_flag(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    set_flag(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, NOTSENT_BYTES_MAX);
    if (bind(fd, address, len) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    (void)close(fd);
    return -1;
}

/* One socket for both families, or for IPv4 where the machine has no IPv6. */
static int listen_everywhere(uint16_t port)
{
    const struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
    const struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(port) };
    int fd = listen_tcp((const struct sockaddr *)&in6, sizeof(in6), false);

    if (fd < 0 && (errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL))
        fd = listen_tcp((const struct sockaddr *)&in, sizeof(in), true);
    return fd;
}

/* The first address of this family that is ours. */
static int listen_family(const struct addrinfo *found, int family)
{
    int fd = -1;

    for (; found && fd < 0; found = found->ai_next) {
        if (found->ai_family == family)
            fd = listen_tcp(found->ai_addr, found->ai_addrlen, true);
    }
    return fd;
}

static int lookup(const struct endpoint *at, struct addrinfo **ret, struct err *err)
{
    const struct addrinfo hints = { .ai_flags = AI_NUMERICSERV, .ai_socktype = SOCK_STREAM };
    char port[ADDRESS_PORT_SIZE];

    *ret = address_numeric(at);
    if (*ret)
        return 0;
    address_port_text(at, port);
    int rc = getaddrinfo(at->host, port, &hints, ret);
    return rc == 0
               ? 0
               : err_set(err, ERR_INVALID, "cannot listen on '%s': %s", at->host, gai_strerror(rc));
}

/* IPv4 first: a client that knows only "localhost" tries both, one that was told
 * 127.0.0.1 does not. */
static int open_tcp(const struct endpoint *at, int *ret_fd, struct err *err)
{
    struct addrinfo *found = NULL;
    int rc = 0;

    if (at->host[0] == '\0') {
        *ret_fd = listen_everywhere(at->port);
        return *ret_fd < 0 ? fail(at, err) : 0;
    }
    rc = lookup(at, &found, err);
    if (rc < 0)
        return rc;
    *ret_fd = listen_family(found, AF_INET);
    if (*ret_fd < 0)
        *ret_fd = listen_family(found, AF_INET6);
    if (*ret_fd < 0)
        rc = fail(at, err);
    freeaddrinfo(found);
    return rc;
}

/* --- Unix sockets ------------------------------------------------------------ */

/* Left behind by a process that ended without unlinking it. Connecting to a plain
 * file is refused just the same, and that must stay. */
static bool is_stale(const struct sockaddr_un *address, socklen_t len)
{
    struct stat st;
    AUTO(close_fd) int fd = -1;

    if (lstat(address->sun_path, &st) != 0 || !S_ISSOCK(st.st_mode))
        return false;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    return fd >= 0 && connect(fd, (const struct sockaddr *)address, len) != 0 &&
           errno == ECONNREFUSED;
}

static int bind_unix(int fd, const struct sockaddr_un *address, socklen_t len)
{
    const struct sockaddr *generic = (const struct sockaddr *)address;

    if (bind(fd, generic, len) == 0)
        return 0;
    if (errno != EADDRINUSE)
        return -1;
    if (!is_stale(address, len) || unlink(address->sun_path) != 0) {
        errno = EADDRINUSE;
        return -1;
    }
    return bind(fd, generic, len);
}

static int open_unix(const struct endpoint *at, int *ret_fd, struct err *err)
{
    struct sockaddr_un address;
    socklen_t len = address_unix(at, &address);
    int rc, fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    /* The path gets the mode that the socket has: nobody can come in between. */
    if (fd >= 0 && fchmod(fd, UNIX_MODE) == 0 && bind_unix(fd, &address, len) == 0 &&
        listen(fd, BACKLOG) == 0) {
        *ret_fd = fd;
        return 0;
    }
    rc = fail(at, err);
    close_fd(&fd);
    return rc;
}

/* --- The interface ----------------------------------------------------------- */

int bind_open(const struct endpoint *at, int *ret_fd, struct err *err)
{
    return at->is_unix ? open_unix(at, ret_fd, err) : open_tcp(at, ret_fd, err);
}

void bind_port(int fd, struct endpoint *at)
{
    struct sockaddr_storage address = { 0 };
    socklen_t len = sizeof(address);
    struct endpoint bound;

    if (at->is_unix || getsockname(fd, (struct sockaddr *)&address, &len) != 0)
        return;
    address_to_endpoint(&address, &bound);
    at->port = bound.port;
}
