#include "api/policy_errand.h"

#include "api/queen.h"
#include "base/mem.h"

enum { RETRY_AFTER_MS = 2000 };

static void leave(struct errand *e)
{
    list_remove(&e->link);
    e->policies->errands_len -= !e->outlives;
    loop_timer_stop(&e->deadline);
}

static void on_gone(void *data)
{
    struct errand *e = data;

    leave(e);
    e->cancel(e);
}

static void on_deadline(struct loop_timer *timer)
{
    struct errand *e = container_of(timer, struct errand, deadline);
    struct err err;

    (void)err_set(&err, ERR_TIMEOUT,
                  e->outlives ? "%s takes long, and goes on; its end will show in the policies"
                              : "%s took too long and was given up",
                  e->what);
    errand_fail(e, &err);
    e->cancel(e);
}

bool errand_begin(struct errand *e, struct http_request *req, const struct operation *op,
                  uint64_t timeout_ms)
{
    static const struct http_watch watch = { .on_gone = on_gone };
    struct queen *q = http_request_app(req);
    struct err err;

    if (!e->outlives && q->policies->errands_len >= ERRANDS_MAX) {
        (void)err_set(&err, ERR_LIMIT,
                      "%d calls about policies are under way, which is all that this queen does "
                      "at once; try again when one has ended",
                      ERRANDS_MAX);
        err.retry_after_ms = RETRY_AFTER_MS;
        http_reply_error(req, &err);
        return false;
    }
    e->policies = q->policies;
    e->req = req;
    e->op = op;
    list_push_back(&e->policies->errands, &e->link);
    e->policies->errands_len += !e->outlives;
    loop_timer_init(q->loop, &e->deadline, on_deadline);
    loop_timer_start(&e->deadline, timeout_ms);
    http_request_watch(req, &watch, e);
    return true;
}

void errand_done(struct errand *e)
{
    leave(e);
}

void errand_fail(struct errand *e, const struct err *err)
{
    leave(e);
    http_reply_error(e->req, err);
}

void errands_end_all(struct policies *p, const struct err *err)
{
    while (!list_is_empty(&p->errands)) {
        struct errand *e = container_of(p->errands.next, struct errand, link);

        errand_fail(e, err);
        e->cancel(e);
    }
}
