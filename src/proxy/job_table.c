#include "proxy/job_table_internal.h"

#include "base/clock.h"
#include "base/mem.h"

#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

enum { EVENT_JSON_MAX = 64 * 1024 };

void job_table_options_init(struct job_table_options *o)
{
    *o = (struct job_table_options){
        .jobs_max = 100000,
        .job_bytes_max = 4U << 20,
        .total_bytes_max = 256U << 20,
        .keep_after_end_ms = 300000,
        .comment_every_ms = 15000,
    };
}

static void on_expiry(struct loop_deadline *deadline)
{
    job_record_drop(container_of(deadline, struct job_record, expiry));
}

struct job_table *job_table_new(struct loop *loop, const struct job_table_options *options)
{
    struct job_table *t = calloc(1, sizeof(*t));

    if (!t)
        abort();
    t->loop = loop;
    t->options = *options;
    map_init(&t->by_id);
    list_init(&t->all);
    list_init(&t->waiting);
    loop_deadlines_init(loop, &t->expiry, options->keep_after_end_ms, on_expiry);
    loop_deadlines_init(loop, &t->comments, options->comment_every_ms, job_feed_on_comment);
    return t;
}

void job_table_free(struct job_table *t)
{
    if (!t)
        return;
    while (!list_is_empty(&t->all))
        job_record_drop(container_of(t->all.next, struct job_record, in_all));
    loop_deadlines_deinit(&t->expiry);
    loop_deadlines_deinit(&t->comments);
    map_deinit(&t->by_id);
    free(t);
}

size_t job_table_bytes(const struct job_table *t)
{
    return t->bytes;
}

/* --- Memory: one record's cap, and the cap over all ----------------------- */

static void count_bytes(struct job_record *r)
{
    struct job_table *t = r->table;
    size_t bytes = job_events_bytes(&r->events);

    t->bytes = t->bytes - r->bytes_counted + bytes;
    r->bytes_counted = bytes;
}

/* Over the common cap, what has ended and nobody follows goes first. */
static void forget_ended(struct job_table *t)
{
    struct list *it, *tmp;

    LIST_FOREACH(it, tmp, &t->all) {
        struct job_record *r = container_of(it, struct job_record, in_all);
        if (t->bytes <= t->options.total_bytes_max)
            return;
        if (job_state_is_final(r->state) && list_is_empty(&r->followers))
            job_record_drop(r);
    }
}

static bool is_full(const struct job_record *r)
{
    return job_events_is_full(&r->events) || r->table->bytes > r->table->options.total_bytes_max;
}

/* Sources that paused go on where there is room again. */
static void wake_waiting(struct job_table *t)
{
    struct list *it, *tmp;

    LIST_FOREACH(it, tmp, &t->waiting) {
        struct job_record *r = container_of(it, struct job_record, in_waiting);
        if (is_full(r))
            continue;
        list_remove(&r->in_waiting);
        if (r->owner && r->owner->on_room)
            r->owner->on_room(r->owner_data);
    }
}

void job_record_make_room(struct job_record *r)
{
    if (!is_full(r))
        return;
    job_events_forget(&r->events, job_feed_furthest(r));
    count_bytes(r);
    wake_waiting(r->table);
}

/* --- Records --------------------------------------------------------------- */

void job_record_drop(struct job_record *r)
{
    struct job_table *t = r->table;

    job_feed_cut_all(r);
    if (!job_state_is_final(r->state))
        t->running--;
    t->bytes -= r->bytes_counted;
    (void)map_remove(&t->by_id, str_of(r->id));
    list_remove(&r->in_all);
    list_remove(&r->in_waiting);
    loop_deadline_disarm(&r->expiry);
    job_events_deinit(&r->events);
    free(r);
}

int job_table_add(struct job_table *t, const char *job_id, const char *operation,
                  const struct job_record_owner *owner, void *data, struct job_record **ret,
                  struct err *err)
{
    if (t->running >= t->options.jobs_max)
        return err_set(err, ERR_LIMIT, "already %zu jobs are running", t->running);

    struct job_record *r = calloc(1, sizeof(*r));
    if (!r)
        abort();
    r->table = t;
    (void)str_copy(r->id, sizeof(r->id), str_of(job_id));
    r->operation = operation;
    r->owner = owner;
    r->owner_data = data;
    r->state = JOB_QUEUED;
    r->created_wall_ms = clock_wall_ms();
    job_events_init(&r->events, t->options.job_bytes_max);
    list_init(&r->followers);
    list_init(&r->in_waiting);
    list_push_back(&t->all, &r->in_all);
    (void)map_put(&t->by_id, str_of(r->id), r);
    t->running++;
    *ret = r;
    return 0;
}

const char *job_record_id(const struct job_record *r)
{
    return r->id;
}

void job_record_set_state(struct job_record *r, enum job_state state)
{
    assert(!job_state_is_final(state));
    r->state = state;
}

void job_record_set_model(struct job_record *r, const char *model)
{
    (void)str_copy(r->model, sizeof(r->model), str_of(model));
}

void job_record_set_worker(struct job_record *r, const char *worker_id)
{
    (void)str_copy(r->worker_id, sizeof(r->worker_id), str_of(worker_id));
}

bool job_record_event(struct job_record *r, const char *name, struct str json)
{
    (void)job_events_add(&r->events, name, json);
    count_bytes(r);
    if (r->table->bytes > r->table->options.total_bytes_max)
        forget_ended(r->table);
    job_feed_pump_all(r);
    if (is_full(r)) {
        job_events_forget(&r->events, job_feed_furthest(r));
        count_bytes(r);
    }
    if (!is_full(r))
        return true;
    if (list_is_empty(&r->in_waiting))
        list_push_back(&r->table->waiting, &r->in_waiting);
    return false;
}

void job_record_narrate(struct job_record *r, const char *fmt, ...)
{
    char message[512];
    struct json_out o;
    struct buf json;
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(message, sizeof(message), fmt, args);
    va_end(args);
    buf_init(&json, EVENT_JSON_MAX);
    json_out_init(&o, &json);
    json_begin(&o, NULL, '{');
    json_str(&o, "type", "narration");
    json_str(&o, "message", message);
    json_end(&o);
    (void)job_record_event(r, "narration", buf_str(&json));
    buf_deinit(&json);
}

void job_record_close(struct job_record *r, enum job_state state, const struct err *err)
{
    struct job_table *t = r->table;
    char marker[sizeof(err->msg) + 16] = "[DONE]";

    assert(job_state_is_final(state) && !job_state_is_final(r->state));
    if (state == JOB_CANCELLED)
        (void)snprintf(marker, sizeof(marker), "[CANCELLED]");
    else if (state == JOB_FAILED)
        (void)snprintf(marker, sizeof(marker), "[ERROR] %s", err->msg);
    if (err)
        (void)snprintf(r->error_code, sizeof(r->error_code), "%s", err_wire_code(err));
    job_events_close(&r->events, marker);
    r->state = state;
    r->owner = NULL;
    r->ended_wall_ms = clock_wall_ms();
    t->running--;
    list_remove(&r->in_waiting);
    count_bytes(r);
    loop_deadline_arm(&t->expiry, &r->expiry);
    job_feed_pump_all(r);
    if (t->bytes > t->options.total_bytes_max)
        forget_ended(t);
    wake_waiting(t);
}

/* "worker_error" becomes "WORKER_ERROR", as the job streams spell it; all that is wrong
 * with a request has one code there. */
static void code_in_capitals(const struct err *err, char *out, size_t size)
{
    (void)snprintf(out, size, "%s",
                   err_http_status(err->code) == 400 ? "invalid_request" : err_wire_code(err));
    for (char *c = out; *c; c++)
        *c = (char)toupper((unsigned char)*c);
}

void job_record_fail(struct job_record *r, const struct err *err)
{
    static const struct err by_client = { .code = ERR_CANCELLED };
    char code[sizeof(err->policy_code)];
    struct json_out o;
    struct buf json;
    bool cancelled = err->code == ERR_CANCELLED || err->code == ERR_CLIENT_GONE;

    code_in_capitals(cancelled ? &by_client : err, code, sizeof(code));
    buf_init(&json, EVENT_JSON_MAX);
    json_out_init(&o, &json);
    json_begin(&o, NULL, '{');
    json_str(&o, "type", "error");
    json_str(&o, "code", code);
    json_str(&o, "message", err->msg);
    json_bool(&o, "retriable", err_is_retriable(err->code));
    json_end(&o);
    (void)job_record_event(r, "error", buf_str(&json));
    buf_deinit(&json);
    job_record_close(r, cancelled ? JOB_CANCELLED : JOB_FAILED, err);
}
