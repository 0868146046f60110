/*
 * keeper - what commands share: the loop, the way to the queen, the terminal.
 *
 * Commands read as straight lines: each call here runs the loop until it is answered,
 * interrupted (Ctrl-C) or timed out.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/random.h"
#include "base/secret.h"
#include "base/str.h"
#include "http/client.h"
#include "keeper/command.h"
#include "loop/endpoint.h"
#include "loop/loop.h"

#include <stdbool.h>

enum {
    KEEPER_ANSWER_MAX = 64 * 1024 * 1024, /* bytes */
    KEEPER_ANSWER_MS = 30000,
};

struct keeper {
    struct loop *loop;
    struct http_client *client;
    struct secret token; /* shown to whoever is called */
    bool json, color;
    uint64_t answer_ms;               /* from a request to the first byte of its answer */
    bool interrupted;                 /* Ctrl-C came; long waits look here */
    void (*on_interrupt)(void *data); /* told inside a wait; NULL: the wait just ends */
    void *on_interrupt_data;
};

/* A service and how to name it in errors: "queen" and its URL. */
struct service {
    const char *name;
    char url[512];
    const char *start_hint; /* "rbee queen start" */
    struct endpoint at;
};

/* Errors: ERR_INVALID for a URL that is not one. */
MUST_CHECK int service_init(struct service *s, const char *name, const char *url,
                            const char *start_hint, struct err *err);

/*
 * One request, the whole answer. An answer other than 2xx is an error that carries the
 * service's own words; `answer` holds it then, too.
 * Errors: ERR_UNAVAILABLE when nobody is there (names service, URL and the fix),
 * ERR_CANCELLED when interrupted, ERR_UPSTREAM for a refusal.
 */
MUST_CHECK int keeper_fetch(struct keeper *k, const struct service *s, const char *method,
                            const char *path, struct str body, struct buf *answer, struct err *err);

/* Is somebody serving there (GET /ready is 200)? Short timeouts, no words. */
bool keeper_is_ready(struct keeper *k, const struct service *s);
bool keeper_is_there(struct keeper *k, const struct service *s); /* any answer counts */

/* An event of a job: its name and its JSON. Return false to stop following. */
typedef bool keeper_event_fn(void *data, struct str name, struct str json);

/*
 * The dual call: submit `body`, follow the job to its marker. 0 for [DONE]. An
 * interrupt cancels the job (DELETE) and gives ERR_CANCELLED. `job_id` (may be NULL)
 * gets the id as soon as it is known.
 */
MUST_CHECK int keeper_job(struct keeper *k, const struct service *s, struct str body,
                          keeper_event_fn *on_event, void *data, struct err *err);

/* A job whose only interest is the `result` of its `end` event (raw JSON). */
MUST_CHECK int keeper_job_result(struct keeper *k, const struct service *s, struct str body,
                                 struct buf *result, struct err *err);

/* Let `ms` pass on the loop, or less when interrupted. */
void keeper_wait(struct keeper *k, uint64_t ms);

/* `err` is about a service's answer, which nobody who typed a command can mend: ERR_UPSTREAM. */
int keeper_misread(struct err *err);

/* Print `rbee: message` to stderr and give the exit code that fits err->code: ERR_INVALID
 * and ERR_MISSING are for what the user typed, and nothing else. */
int keeper_fail(const struct keeper *k, const struct err *err);
