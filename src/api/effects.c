#include "api/effects.h"

#include "api/hive_job.h"
#include "api/queen.h"
#include "base/json_texts.h"
#include "base/json_write.h"
#include "base/log.h"
#include "base/mem.h"

#include <stdio.h>

enum { BODY_BYTES_MAX = 2048 };

struct effect {
    struct list link; /* in queen::effects */
    struct queen *queen;
    struct hive_job *at_hive;
    uint64_t number; /* of the action */
    enum core_event_kind ends_as;
    char worker_id[WORKER_ID_SIZE];
    char hive_id[HIVE_ID_SIZE];
};

static void effect_free(struct effect *e)
{
    list_remove(&e->link);
    hive_job_cancel(e->at_hive);
    free(e);
}

/* Tell the core; `err` NULL: done. */
static void end(struct effect *e, const struct err *err)
{
    struct queen *q = e->queen;
    char worker_id[WORKER_ID_SIZE];
    struct core_event event = {
        .kind = e->ends_as,
        .u.ended = { .number = e->number, .failed = err != NULL, .worker_id = worker_id },
    };

    (void)str_copy(worker_id, sizeof(worker_id), str_of(e->worker_id));
    if (err) {
        event.u.ended.err = *err;
        log_warn(e->ends_as == CORE_START_ENDED ? "a worker could not be started"
                                                : "a worker could not be stopped",
                 LOG_STR("hive_id", e->hive_id), LOG_ERR(err));
    }
    e->at_hive = NULL;
    effect_free(e);
    queen_event(q, &event);
}

/* --- The hive's job --------------------------------------------------------- */

static void on_refused(void *data, unsigned status, struct str body, const struct err *err)
{
    char message[sizeof(err->msg)] = "";
    const struct json_text members[] = { { "message", message, sizeof(message) } };
    struct err told = *err, ignored;
    struct str inner;

    if (status > 0 && json_raw_member(body, "error", &inner, &ignored) == 0 && inner.p &&
        json_texts_read(inner, members, 1, &ignored) == 0 && message[0])
        (void)err_set(&told, err->code, "%s", message);
    end(data, &told);
}

static void on_accepted(void *data, const char *hive_job_id)
{
    (void)data;
    (void)hive_job_id;
}

static void on_event(void *data, const char *name, struct str json)
{
    struct effect *e = data;
    const struct json_text members[] = { { "worker_id", e->worker_id, sizeof(e->worker_id) } };
    struct err ignored;
    struct str result;

    if (strcmp(name, "end") != 0 || json_raw_member(json, "result", &result, &ignored) < 0 ||
        !result.p || json_texts_read(result, members, 1, &ignored) < 0)
        return; /* then its reports will name it */
}

static void on_end(void *data, enum job_state state, const struct err *err)
{
    struct err cancelled;

    if (state == JOB_CANCELLED) {
        (void)err_set(&cancelled, ERR_CANCELLED, "cancelled at the hive");
        err = &cancelled;
    }
    end(data, err);
}

static void on_lost(void *data, const struct err *err)
{
    end(data, err);
}

/* --- Beginning ----------------------------------------------------------------- */

static void begin(struct queen *q, const struct core_action *action, enum core_event_kind ends_as,
                  struct str body)
{
    static const struct hive_job_events events = {
        .on_refused = on_refused,
        .on_accepted = on_accepted,
        .on_event = on_event,
        .on_end = on_end,
        .on_lost = on_lost,
    };
    const struct hive *hive = registry_hive(core_registry(q->core), action->hive_id);
    struct effect *e = mem_alloc(1, sizeof(*e));

    e->queen = q;
    e->number = action->number;
    e->ends_as = ends_as;
    (void)str_copy(e->hive_id, sizeof(e->hive_id), str_of(action->hive_id));
    (void)str_copy(e->worker_id, sizeof(e->worker_id), str_of(action->worker_id));
    list_push_back(&q->effects, &e->link);
    e->at_hive = hive_job_start(q, hive, body, &events, e);
}

void effects_start(struct queen *q, const struct core_action *action)
{
    char memory[BODY_BYTES_MAX], device[32];
    struct json_out o;
    struct buf body;

    buf_init_fixed(&body, memory, sizeof(memory));
    json_out_init(&o, &body);
    json_begin(&o, NULL, '{');
    json_str(&o, "operation", "worker_spawn");
    json_str(&o, "hive_id", action->hive_id);
    json_str(&o, "model", action->model);
    if (action->gpu != DECISION_GPU_ANY) {
        (void)snprintf(device, sizeof(device), "cuda:%d", action->gpu);
        json_str(&o, "device", device);
    }
    json_end(&o);
    log_info("starting a worker", LOG_STR("hive_id", action->hive_id),
             LOG_STR("model", action->model));
    begin(q, action, CORE_START_ENDED, buf_str(&body));
}

void effects_evict(struct queen *q, const struct core_action *action)
{
    char memory[BODY_BYTES_MAX];
    struct json_out o;
    struct buf body;

    buf_init_fixed(&body, memory, sizeof(memory));
    json_out_init(&o, &body);
    json_begin(&o, NULL, '{');
    json_str(&o, "operation", "worker_process_delete");
    json_str(&o, "hive_id", action->hive_id);
    json_str(&o, "worker_id", action->worker_id);
    json_end(&o);
    log_info("stopping a worker to make room", LOG_STR("hive_id", action->hive_id),
             LOG_STR("worker_id", action->worker_id));
    begin(q, action, CORE_EVICT_ENDED, buf_str(&body));
}

void effects_cancel_all(struct queen *q)
{
    while (!list_is_empty(&q->effects))
        effect_free(container_of(q->effects.next, struct effect, link));
}
