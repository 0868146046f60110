#include "base/log.h"
#include "base/mem.h"
#include "loop/internal.h"

#include <assert.h>
#include <errno.h>
#include <sys/stat.h>

enum {
    ACCEPTS_PER_TURN = 64,     /* then the others have their turn */
    PAUSE_MS = 100,            /* after running out of descriptors */
    WARN_EVERY_MS = 10 * 1000, /* about that */
};

struct listener {
    uv_poll_t poll;
    struct loop_timer pause;
    listener_accept_fn *on_accept;
    void *data;
    int fd;
    uint64_t warned_ms; /* loop clock, 0: never */
    bool is_closed;
    struct endpoint at;
    dev_t dev; /* of the unix path: another's is not unlinked */
    ino_t ino;
};

/* --- Accepting --------------------------------------------------------------- */

static void on_acceptable(uv_poll_t *poll, int status, int events);

static void resume(struct listener *l)
{
    int rc = uv_poll_start(&l->poll, UV_READABLE, on_acceptable);

    assert(rc == 0);
}

static void on_pause_over(struct loop_timer *timer)
{
    resume(container_of(timer, struct listener, pause));
}

/* The connections that wait make the socket readable again and again: leave them
 * in the backlog until there may be descriptors again. */
static void pause_accepting(struct listener *l, int sys_errno)
{
    uint64_t now_ms = loop_now_ms(l->pause.loop);
    char at[ENDPOINT_TEXT_SIZE], why[128];

    uv_poll_stop(&l->poll);
    loop_timer_start(&l->pause, PAUSE_MS);
    if (l->warned_ms != 0 && now_ms - l->warned_ms < WARN_EVERY_MS)
        return;
    l->warned_ms = now_ms;
    endpoint_text(&l->at, at);
    (void)uv_strerror_r(-sys_errno, why, sizeof(why));
    log_warn("cannot accept connections, trying again every 100 ms: raise the limit of open files",
             LOG_STR("listen", at), LOG_STR("error", why));
}

/* Errors that took the one connection with them; accept(2) lists the network's. */
static bool concerns_one(int sys_errno)
{
    static const int list[] = {
        EINTR,     ECONNABORTED, EPROTO,       EPERM,      ENETDOWN,    ENOPROTOOPT,
        EHOSTDOWN, ENONET,       EHOSTUNREACH, EOPNOTSUPP, ENETUNREACH,
    };

    for (size_t i = 0; i < sizeof(list) / sizeof(*list); i++) {
        if (list[i] == sys_errno)
            return true;
    }
    return false;
}

static void on_acceptable(uv_poll_t *poll, int status, int events)
{
    struct listener *l = container_of(poll, struct listener, poll);

    (void)events;
    for (int i = 0; i < ACCEPTS_PER_TURN && !l->is_closed; i++) {
        int fd = status < 0 ? -1 : accept4(l->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            l->on_accept(l->data, stream_adopt(l->pause.loop, fd, l->at.is_unix));
        } else if (status < 0 || (errno != EAGAIN && !concerns_one(errno))) {
            pause_accepting(l, status < 0 ? -status : errno);
            return;
        } else if (errno == EAGAIN) {
            return;
        }
    }
}

/* --- Beginning and end ------------------------------------------------------- */

static void on_listener_closed(uv_handle_t *handle)
{
    free(container_of(handle, struct listener, poll));
}

int listener_open(struct loop *loop, const struct endpoint *at, listener_accept_fn *on_accept,
                  void *data, struct listener **ret, struct endpoint *ret_bound, struct err *err)
{
    struct stat st;
    int fd;
    int rc = bind_open(at, &fd, err);

    if (rc < 0)
        return rc;
    struct listener *l = mem_alloc(1, sizeof(*l));
    l->at = *at;
    l->fd = fd;
    l->on_accept = on_accept;
    l->data = data;
    bind_port(fd, &l->at);
    if (at->is_unix && lstat(at->host, &st) == 0) {
        l->dev = st.st_dev;
        l->ino = st.st_ino;
    }
    loop_timer_init(loop, &l->pause, on_pause_over);
    rc = uv_poll_init(&loop->uv, &l->poll, fd);
    assert(rc == 0);
    resume(l);
    if (ret_bound)
        *ret_bound = l->at;
    *ret = l;
    return 0;
}

void listener_close(struct listener *l)
{
    struct stat st;

    if (!l)
        return;
    if (l->at.is_unix && lstat(l->at.host, &st) == 0 && st.st_dev == l->dev && st.st_ino == l->ino)
        (void)unlink(l->at.host);
    l->is_closed = true;
    loop_timer_stop(&l->pause);
    uv_close((uv_handle_t *)&l->poll, on_listener_closed);
    (void)close(l->fd);
}
