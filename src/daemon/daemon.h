/*
 * daemon - what every daemon of rbee does the same: the log, the lock on its state
 * directory, its tokens and the rule that guards them, its listeners, and stopping.
 *
 *     daemon_init(&d, &setup, err)      reads tokens, locks, refuses what is unsafe
 *     daemon_serve(&d, server, err)     listens, says "ready"
 *     daemon_run(&d, &app)              until SIGTERM, SIGINT or daemon_stop(), then
 *                                       drain with a deadline, and return
 *     daemon_deinit(&d)
 */
#pragma once

#include "base/err.h"
#include "base/option.h"
#include "http/guard.h"
#include "http/server.h"
#include "loop/loop.h"

#include <stdbool.h>
#include <stddef.h>

enum { DAEMON_LISTEN_MAX = 16 };

struct daemon_setup {
    const char *name;                 /* "queen-rbee" */
    const char *socket_name;          /* "queen.sock" in the state directory; NULL: none */
    const struct option_list *listen; /* endpoints as text */
    const struct option_list *hosts;  /* names to answer to beside our own; may be NULL */
    const char *state_dir;            /* NULL: none, nothing is locked */
    const char *token_file, *hive_token_file, *admin_token_file; /* NULL: not given */
    uint64_t drain_ms;
    bool ready_later; /* daemon_ready() says so, not daemon_serve(): a model loads meanwhile */
    bool check_only;  /* check everything, take nothing (--check-config) */
};

/* What a daemon has to finish beside its requests. Each may be NULL. */
struct daemon_app {
    void (*on_stop)(void *data);     /* stopping begins; requests go on */
    bool (*is_busy)(void *data);     /* is there work that no request waits for? */
    void (*on_deadline)(void *data); /* drain_ms have passed: end it, and tell who waits */
    void *data;
};

extern const struct option_exit daemon_exits[]; /* for the help of queen and hive */

struct daemon {
    struct daemon_setup setup;
    struct loop *loop;
    struct guard guard;
    struct endpoint listen[DAEMON_LISTEN_MAX];
    size_t listen_len;
    int lock_fd;
    struct http_server *server; /* borrowed, from daemon_serve() */
    struct daemon_app app;
    struct loop_timer deadline;
    bool stopping, drained;
    struct endpoint bound[DAEMON_LISTEN_MAX]; /* as `listen`, with their real ports */
};

/*
 * Errors: ERR_INVALID (an endpoint; anything but loopback without a token), ERR_CONFLICT
 * (the state directory is another process's), and secret_read()'s. What was taken so far
 * is released again.
 */
MUST_CHECK int daemon_init(struct daemon *d, const struct daemon_setup *setup, struct err *err);
void daemon_deinit(struct daemon *d);

/* Bind everything and log one line "ready". Errors: http_server_listen()'s. */
MUST_CHECK int daemon_serve(struct daemon *d, struct http_server *server, struct err *err);

/* The line "ready", once, of a daemon that was not when it began to serve. */
void daemon_ready(const struct daemon *d);

/* Returns when stopping has begun, every request has ended and the app is not busy; or
 * soon after the deadline; or at once at a second signal. `app` is copied, NULL is fine. */
void daemon_run(struct daemon *d, const struct daemon_app *app);

/* The app is not busy any more: look again whether this was all. */
void daemon_idle(struct daemon *d);

/* As SIGTERM does. Any callback on the loop may call it; idempotent. */
void daemon_stop(struct daemon *d);
