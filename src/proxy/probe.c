#include "proxy/probe.h"

#include "base/mem.h"
#include "http/client.h"
#include "proxy/proxy_internal.h"

enum {
    FIRST_DELAY_MS = 1000,
    DELAY_MAX_MS = 5 * 1000,
    ANSWER_TIMEOUT_MS = 5 * 1000,
    ANSWER_BYTES_MAX = 1024 * 1024, /* of a list of models, which nobody reads */
};

struct watched {
    struct list link; /* in probe::workers */
    struct probe *probe;
    struct target target;
    struct http_fetch *fetch; /* a probe on its way */
    bool is_suspect;          /* to be probed at `due_ms` */
    uint64_t due_ms, delay_ms;
};

struct probe {
    struct proxy *proxy; /* borrowed */
    probe_fn *on_result;
    void *data;
    struct list workers; /* watched::link */
    size_t workers_len;
    struct loop_timer timer; /* the soonest watched::due_ms */
};

static struct watched *of(struct list *link)
{
    return container_of(link, struct watched, link);
}

static struct watched *find(const struct probe *p, const char *worker_id)
{
    for (struct list *it = p->workers.next; it != &p->workers; it = it->next) {
        if (strcmp(of(it)->target.worker_id, worker_id) == 0)
            return of(it);
    }
    return NULL;
}

/* --- One probe ----------------------------------------------------------- */

static void set_timer(struct probe *p)
{
    uint64_t now_ms = loop_now_ms(p->proxy->loop), due_ms = UINT64_MAX;

    for (struct list *it = p->workers.next; it != &p->workers; it = it->next) {
        const struct watched *w = of(it);
        if (w->is_suspect && !w->fetch && w->due_ms < due_ms)
            due_ms = w->due_ms;
    }
    if (due_ms == UINT64_MAX)
        loop_timer_stop(&p->timer);
    else
        loop_timer_start(&p->timer, due_ms > now_ms ? due_ms - now_ms : 0);
}

/* How each kind is asked, and which answers mean that it can take jobs. */
/* clang-format off */
static const struct {
    const char *target;
    unsigned status_max; /* from 200 to this */
} asked[] = {
    [WORKER_KIND_RBEE]   = { "/health",    200 },
    [WORKER_KIND_OPENAI] = { "/v1/models", 499 },
};
/* clang-format on */

static void on_answer(void *data, enum http_call_end how, unsigned status, struct str body,
                      const struct err *err)
{
    struct watched *w = data;
    struct probe *p = w->probe;

    (void)body, (void)err;
    w->fetch = NULL;
    bool is_reachable =
        how == HTTP_CALL_DONE && status >= 200 && status <= asked[w->target.kind].status_max;
    w->is_suspect = !is_reachable;
    w->due_ms = loop_now_ms(p->proxy->loop) + w->delay_ms;
    w->delay_ms = w->delay_ms < DELAY_MAX_MS / 2 ? w->delay_ms * 2 : DELAY_MAX_MS;
    set_timer(p);
    p->on_result(p->data, w->target.worker_id, is_reachable);
}

static void ask(struct watched *w)
{
    struct proxy *proxy = w->probe->proxy;
    const struct http_call_options options = {
        .to = w->target.at,
        .method = "GET",
        .target = str_of(asked[w->target.kind].target),
        .bearer = w->target.token.text,
        .timeouts = { .connect_ms = proxy->timeouts.connect_ms, .total_ms = ANSWER_TIMEOUT_MS },
        .fresh = true, /* a kept connection would say nothing about the next one */
    };

    w->fetch = http_fetch_start(proxy->client, &options, ANSWER_BYTES_MAX, on_answer, w);
}

static void on_due(struct loop_timer *timer)
{
    struct probe *p = container_of(timer, struct probe, timer);
    uint64_t now_ms = loop_now_ms(p->proxy->loop);

    for (struct list *it = p->workers.next; it != &p->workers; it = it->next) {
        struct watched *w = of(it);
        if (w->is_suspect && !w->fetch && w->due_ms <= now_ms)
            ask(w);
    }
    set_timer(p);
}

static void suspect(struct watched *w, uint64_t in_ms)
{
    if (w->is_suspect)
        return;
    w->is_suspect = true;
    w->due_ms = loop_now_ms(w->probe->proxy->loop) + in_ms;
    w->delay_ms = in_ms + FIRST_DELAY_MS;
    set_timer(w->probe);
}

/* --- The prober ---------------------------------------------------------- */

struct probe *probe_new(struct proxy *proxy, probe_fn *on_result, void *data)
{
    struct probe *p = mem_alloc(1, sizeof(*p));

    p->proxy = proxy;
    p->on_result = on_result;
    p->data = data;
    list_init(&p->workers);
    loop_timer_init(proxy->loop, &p->timer, on_due);
    return p;
}

void probe_free(struct probe *p)
{
    if (!p)
        return;
    while (!list_is_empty(&p->workers)) {
        /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): list_remove() unlinks it first */
        struct watched *w = of(p->workers.next);
        http_fetch_cancel(w->fetch);
        list_remove(&w->link);
        free(w);
    }
    loop_timer_stop(&p->timer);
    free(p);
}

int probe_add(struct probe *p, const struct worker_facts *facts, struct err *err)
{
    if (find(p, facts->id))
        return err_set(err, ERR_CONFLICT, "there is a static worker '%s' already", facts->id);
    if (p->workers_len >= PROBE_WORKERS_MAX)
        return err_set(err, ERR_LIMIT, "more than %d static workers", PROBE_WORKERS_MAX);

    struct watched *w = mem_alloc(1, sizeof(*w));
    w->probe = p;
    target_of_worker(facts, &w->target);
    list_push_back(&p->workers, &w->link);
    p->workers_len++;
    suspect(w, 0);
    return 0;
}

void probe_suspect(struct probe *p, const char *worker_id)
{
    struct watched *w = find(p, worker_id);

    if (w)
        suspect(w, FIRST_DELAY_MS);
}
