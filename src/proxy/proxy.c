#include "proxy/proxy.h"

#include "base/mem.h"
#include "proxy/native_internal.h"
#include "proxy/proxy_internal.h"
#include "proxy/worker_call.h"

struct proxy *proxy_new(struct loop *loop, struct http_client *client,
                        const struct run_timeouts *timeouts)
{
    struct proxy *p = mem_alloc(1, sizeof(*p));

    p->loop = loop;
    p->client = client;
    p->timeouts = *timeouts;
    loop_deadlines_init(loop, &p->first_token, timeouts->first_token_ms,
                        worker_call_on_first_token_late);
    loop_deadlines_init(loop, &p->between, timeouts->between_ms, worker_call_on_silence);
    loop_deadlines_init(loop, &p->linger, PROXY_LINGER_MS, worker_call_on_linger_end);
    loop_deadlines_init(loop, &p->leaving, PROXY_LEAVING_MS, worker_call_on_silence);
    loop_deadlines_init(loop, &p->total, timeouts->total_ms, worker_call_on_total_late);
    buf_init(&p->out, PROXY_OUT_BYTES_MAX);
    list_init(&p->runs_leaving);
    return p;
}

void proxy_free(struct proxy *p)
{
    if (!p)
        return;
    while (!list_is_empty(&p->runs_leaving))
        native_run_free(container_of(p->runs_leaving.next, struct native_run, leaving));
    loop_deadlines_deinit(&p->first_token);
    loop_deadlines_deinit(&p->between);
    loop_deadlines_deinit(&p->linger);
    loop_deadlines_deinit(&p->leaving);
    loop_deadlines_deinit(&p->total);
    buf_deinit(&p->out);
    free(p);
}

struct loop *proxy_loop(const struct proxy *p)
{
    return p->loop;
}

struct http_client *proxy_client(const struct proxy *p)
{
    return p->client;
}
