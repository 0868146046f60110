#include "api/queen.h"

#include "api/effects.h"
#include "api/flight.h"
#include "api/heartbeat_feed.h"
#include "api/operations.h"
#include "api/openai_flight.h"
#include "api/policy_errand.h"
#include "proxy/job_table.h"
#include "api/queen_metrics.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "proxy/job_table.h"
#include "proxy/probe.h"

#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

enum { MODELS_FILE_BYTES_MAX = 4 * 1024 * 1024 };

void queen_config_init(struct queen_config *c)
{
    *c = (struct queen_config){
        .mode = "home",
        .stream_comment_ms = 15000,
        .replay_job_bytes_max = 4U << 20,
        .replay_bytes_max = 256U << 20,
        .replay_after_end_ms = 300000,
    };
    core_options_init(&c->core);
    policies_config_init(&c->policies);
    run_timeouts_init(&c->timeouts);
}

static void arm_tick(struct queen *q)
{
    uint64_t due_ms = core_next_due_ms(q->core), now_ms = loop_now_ms(q->loop);

    if (due_ms == UINT64_MAX)
        loop_timer_stop(&q->tick);
    else
        loop_timer_start(&q->tick, due_ms > now_ms ? due_ms - now_ms : 0);
}

static void on_tick(struct loop_timer *timer)
{
    struct queen *q = container_of(timer, struct queen, tick);
    struct core_event event = { .kind = CORE_TICK };

    queen_event(q, &event);
}

/* Append one reference to the state directory's list. Losing a line costs a 503
 * that should have been a 404 after the next start, so this does not fsync. */
static void note_model(const struct queen *q, const char *model)
{
    if (!q->config.models_file)
        return;
    AUTO(close_fd)
    int fd = open(q->config.models_file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    char line[MODEL_REF_SIZE + 1];
    int len = snprintf(line, sizeof(line), "%s\n", model);
    if (fd < 0 || write(fd, line, (size_t)len) != len)
        log_warn("cannot remember a model reference", LOG_STR("file", q->config.models_file),
                 LOG_STR("model", model));
}

/* --- The core's actions ------------------------------------------------------ */

static void note_known_model(struct queen *q, const struct core_action *action)
{
    note_model(q, action->model);
}

/* The core knows only jobs that a flight submitted and has not ended. */
static struct flight *flight_of(struct queen *q, const struct core_action *action)
{
    struct flight *f = flight_find(q, action->job_id);

    assert(f);
    return f;
}

static void dispatch(struct queen *q, const struct core_action *action)
{
    struct flight *f = flight_of(q, action);

    f->attempt = action->attempt;
    f->dispatched_us = clock_mono_us();
    (void)str_copy(f->worker_id, sizeof(f->worker_id), str_of(action->worker->facts.id));
    queen_count_dispatch(q, action->attempt);
    f->ops->dispatch(f, action->worker);
}

static void queued(struct queen *q, const struct core_action *action)
{
    struct flight *f = flight_of(q, action);

    f->ops->queued(f, action->position, action->predicted_start_ms);
}

static void fail(struct queen *q, const struct core_action *action)
{
    struct flight *f = flight_of(q, action);

    (void)map_remove(&q->flights, str_of(action->job_id));
    queen_count_end(q, f, action->err.code);
    flight_trace_end(f, "failed", &action->err);
    f->ops->fail(f, &action->err);
}

static void ask(struct queen *q, const struct core_action *action)
{
    questions_ask(q->policies->questions, action);
}

static void decided(struct queen *q, const struct core_action *action)
{
    struct flight *f = flight_find(q, action->decided.job_id);

    if (f)
        (void)str_copy(f->policy, sizeof(f->policy), str_of(action->decided.policy));
    policies_decided(q->policies, &action->decided);
}

static void (*const handlers[CORE_ACTION_KIND_COUNT_])(struct queen *q,
                                                       const struct core_action *action) = {
    [CORE_DISPATCH] = dispatch,           [CORE_QUEUED] = queued,   [CORE_FAIL] = fail,
    [CORE_NOTE_MODEL] = note_known_model, [CORE_ASK] = ask,         [CORE_START] = effects_start,
    [CORE_EVICT] = effects_evict,         [CORE_DECIDED] = decided,
};

void queen_event(struct queen *q, struct core_event *event)
{
    size_t len;

    assert(!q->handling);
    q->handling = true;
    event->now_ms = loop_now_ms(q->loop);
    core_handle(q->core, event);
    const struct core_action *actions = core_actions(q->core, &len);
    for (size_t i = 0; i < len; i++)
        handlers[actions[i].kind](q, &actions[i]);
    q->handling = false;
    arm_tick(q);
    queen_look_idle(q);
}

static void on_probe(void *data, const char *worker_id, bool reachable)
{
    log_debug("static worker probed", LOG_STR("worker_id", worker_id),
              LOG_STR("answers", reachable ? "yes" : "no"));
    struct core_event event = {
        .kind = CORE_WORKER_REACHABLE,
        .u.reach = { .worker_id = worker_id, .reachable = reachable },
    };

    queen_event(data, &event);
}

static struct job_table *new_job_table(const struct queen *q)
{
    struct job_table_options options;

    job_table_options_init(&options);
    options.job_bytes_max = q->config.replay_job_bytes_max;
    options.total_bytes_max = q->config.replay_bytes_max;
    options.keep_after_end_ms = q->config.replay_after_end_ms;
    options.comment_every_ms = q->config.stream_comment_ms;
    return job_table_new(q->loop, &options);
}

struct queen *queen_new(struct loop *loop, const struct queen_config *config)
{
    struct queen *q = calloc(1, sizeof(*q));
    struct http_client_options client_options;

    if (!q)
        abort();
    q->loop = loop;
    q->config = *config;
    q->started_ms = loop_now_ms(loop);
    q->started_wall_ms = clock_wall_ms();
    q->core = core_new(&config->core);
    http_client_options_init(&client_options);
    q->client = http_client_new(loop, &client_options);
    q->metrics = queen_metrics_new();
    q->proxy = proxy_new(loop, q->client, &config->timeouts);
    q->probe = probe_new(q->proxy, on_probe, q);
    q->jobs = new_job_table(q);
    q->feed = heartbeat_feed_new(q);
    map_init(&q->flights);
    list_init(&q->forwards);
    list_init(&q->effects);
    loop_timer_init(loop, &q->tick, on_tick);
    loop_deadlines_init(loop, &q->queue_updates, config->stream_comment_ms,
                        openai_flight_on_update);
    return q;
}

struct beginning {
    struct loop *loop;
    struct err err; /* of what stops the start; its code 0: nothing does */
};

static void on_ready(void *data, const struct err *err)
{
    struct beginning *b = data;

    if (err)
        b->err = *err;
    loop_stop(b->loop);
}

int queen_begin(struct queen *q, struct err *err)
{
    struct beginning beginning = { .loop = q->loop };

    q->policies = policies_new(q, &q->config.policies, err);
    if (!q->policies)
        return err->code;
    release_begin(q->policies->release, on_ready, &beginning);
    loop_run(q->loop);
    if (beginning.err.code != 0)
        *err = beginning.err;
    return beginning.err.code;
}

void queen_free(struct queen *q)
{
    if (!q)
        return;
    effects_cancel_all(q);
    heartbeat_feed_free(q->feed);
    job_table_free(q->jobs);
    assert(map_count(&q->flights) == 0);
    map_deinit(&q->flights);
    probe_free(q->probe);
    proxy_free(q->proxy);
    loop_timer_stop(&q->tick);
    loop_deadlines_deinit(&q->queue_updates);
    http_client_free(q->client);
    metrics_free(q->metrics);
    policies_free(q->policies);
    core_free(q->core);
    free(q);
}

int queen_add_static_worker(struct queen *q, const struct worker_facts *facts, struct err *err)
{
    struct core_event event = {
        .kind = CORE_WORKER_STATIC,
        .u.report = { .workers = facts, .workers_len = 1 },
    };

    if (registry_worker(core_registry(q->core), facts->id))
        return err_set(err, ERR_CONFLICT, "two static workers are called '%s'", facts->id);
    int rc = probe_add(q->probe, facts, err);
    if (rc == 0)
        queen_event(q, &event);
    return rc;
}

int queen_load_models(struct queen *q, struct err *err)
{
    struct buf text;

    if (!q->config.models_file || access(q->config.models_file, F_OK) != 0)
        return 0;
    buf_init(&text, MODELS_FILE_BYTES_MAX);
    int rc = file_read(q->config.models_file, &text, err);
    char *rest = rc < 0 ? NULL : text.p;
    (void)buf_cstr(&text);
    for (char *line = rest ? strsep(&rest, "\n") : NULL; line; line = strsep(&rest, "\n")) {
        struct core_event event = { .kind = CORE_MODEL_KNOWN, .u.known = { .model = line } };
        if (line[0] != '\0' && strlen(line) < MODEL_REF_SIZE)
            queen_event(q, &event);
    }
    buf_deinit(&text);
    return rc;
}

void queen_stop(struct queen *q)
{
    struct core_event event = { .kind = CORE_STOPPING };
    struct err err;

    q->is_draining = true;
    heartbeat_feed_end(q->feed);
    (void)err_set(&err, ERR_UNAVAILABLE, "the queen is stopping");
    if (q->policies)
        errands_end_all(q->policies, &err);
    queen_event(q, &event);
}

bool queen_is_busy(const struct queen *q)
{
    return map_count(&q->flights) > 0 || !list_is_empty(&q->forwards);
}

void queen_look_idle(struct queen *q)
{
    if (q->is_draining && !queen_is_busy(q))
        q->on_idle(q->daemon);
}

void queen_end_all(struct queen *q)
{
    struct map_entry *entry;
    struct err err;

    (void)err_set(&err, ERR_UNAVAILABLE, "the queen is stopping");
    while ((entry = map_first(&q->flights)))
        flight_abort(map_value(entry), &err);
    op_forward_end_all(q, &err);
}
