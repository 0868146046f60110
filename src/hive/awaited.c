#include "hive/awaited.h"

#include "base/json_write.h"
#include "base/mem.h"
#include "base/random.h"
#include "hive/report.h"
#include "loop/loop.h"
#include "proxy/job_table.h"

#include <string.h>

enum { END_BYTES_MAX = 4 * 1024 * 1024 };

enum event { EVENT_READY, EVENT_GONE, EVENT_SCANNED };

struct awaited {
    struct list link; /* in machine::awaited */
    struct machine *machine;
    struct job_record *record;
    enum event event;
    char worker_id[WORKER_ID_SIZE];
    uint64_t scan;
};

static void forget(struct awaited *a)
{
    list_remove(&a->link);
    free(a);
}

static void on_cancel(void *data)
{
    struct awaited *a = data;
    const struct supervised *w = supervisor_find(a->machine->supervisor, a->worker_id);

    if (a->event == EVENT_READY && w)
        supervisor_stop_worker(a->machine->supervisor, w, true);
    job_record_close(a->record, JOB_CANCELLED, NULL);
    forget(a);
}

int awaited_add(struct machine *m, const char *operation, struct awaited **ret, struct err *err)
{
    static const struct job_record_owner owner = { .cancel = on_cancel };
    struct awaited *a = mem_alloc(1, sizeof(*a));
    char id[JOB_ID_SIZE] = "job-";

    random_uuid4(id + strlen(id));
    int rc = job_table_add(m->jobs, id, operation, &owner, a, &a->record, err);
    if (rc < 0) {
        free(a);
        return rc;
    }
    a->machine = m;
    list_push_back(&m->awaited, &a->link);
    *ret = a;
    return 0;
}

const char *awaited_id(const struct awaited *a)
{
    return job_record_id(a->record);
}

struct job_record *awaited_record(const struct awaited *a)
{
    return a->record;
}

void awaited_drop(struct awaited *a)
{
    job_record_drop(a->record);
    forget(a);
}

static void wait_for(struct awaited *a, enum event event, const char *worker_id)
{
    a->event = event;
    (void)str_copy(a->worker_id, sizeof(a->worker_id), str_of(worker_id));
    job_record_set_state(a->record, JOB_DISPATCHED);
}

void awaited_until_ready(struct awaited *a, const struct supervised *w)
{
    wait_for(a, EVENT_READY, w->facts.id);
}

void awaited_until_gone(struct awaited *a, const struct supervised *w)
{
    wait_for(a, EVENT_GONE, w->facts.id);
}

void awaited_until_scanned(struct awaited *a, uint64_t scan)
{
    wait_for(a, EVENT_SCANNED, "");
    a->scan = scan;
}

/* --- Ends ------------------------------------------------------------------------- */

static void end(struct awaited *a,
                void (*write)(struct json_out *o, const struct awaited *a,
                              const struct supervised *w),
                const struct supervised *w)
{
    struct json_out o;
    struct buf json;

    buf_init(&json, END_BYTES_MAX);
    json_out_init(&o, &json);
    json_begin(&o, NULL, '{');
    json_str(&o, "type", "end");
    json_str(&o, "job_id", job_record_id(a->record));
    json_begin(&o, "result", '{');
    write(&o, a, w);
    json_end(&o);
    json_end(&o);
    (void)job_record_event(a->record, "end", buf_str(&json));
    job_record_close(a->record, JOB_DONE, NULL);
    buf_deinit(&json);
    forget(a);
}

static void fail(struct awaited *a, int code, const char *why, const struct supervised *w)
{
    struct err err;

    (void)err_set(&err, code, "worker '%s' for model '%s': %s", w->facts.id, w->facts.model, why);
    job_record_fail(a->record, &err);
    forget(a);
}

static void write_spawned(struct json_out *o, const struct awaited *a, const struct supervised *w)
{
    (void)a;
    json_str(o, "worker_id", w->facts.id);
    json_uint(o, "pid", w->facts.pid);
    json_uint(o, "port", w->facts.port);
    json_str(o, "state", worker_state_name(w->facts.state));
    json_str(o, "model", w->facts.model);
}

static void write_stopped(struct json_out *o, const struct awaited *a, const struct supervised *w)
{
    (void)a;
    json_str(o, "worker_id", w->facts.id);
    json_str(o, "state", "stopped");
}

static void write_found(struct json_out *o, const struct awaited *a, const struct supervised *w)
{
    (void)w;
    report_write_capabilities(o, a->machine);
}

/* --- What happened ------------------------------------------------------------------ */

static void tell_spawner(struct awaited *a, const struct supervised *w, enum supervised_event what)
{
    uint64_t took_ms = loop_now_ms(a->machine->loop) - w->started_ms;

    switch (what) {
    case SUPERVISED_PROGRESS:
        if (w->progress_pct >= 0)
            job_record_narrate(a->record, "loading %s: %d%%", w->facts.model, w->progress_pct);
        else
            job_record_narrate(a->record, "loading %s", w->facts.model);
        break;
    case SUPERVISED_READY:
        job_record_narrate(a->record, "%s is ready after %.1f s", w->facts.id,
                           (double)took_ms / 1000);
        end(a, write_spawned, w);
        break;
    case SUPERVISED_FAILED:
        fail(a, w->failure, w->facts.reason, w);
        break;
    case SUPERVISED_GONE:
        fail(a, ERR_CANCELLED, "it was stopped before it was ready", w);
        break;
    case SUPERVISED_CHANGED:
        break;
    }
}

void awaited_on_worker(struct machine *m, const struct supervised *w, enum supervised_event what)
{
    struct list *it, *tmp;

    LIST_FOREACH(it, tmp, &m->awaited) {
        struct awaited *a = container_of(it, struct awaited, link);
        if (a->event == EVENT_SCANNED || strcmp(a->worker_id, w->facts.id) != 0)
            continue;
        if (a->event == EVENT_READY)
            tell_spawner(a, w, what);
        else if (what == SUPERVISED_GONE)
            end(a, write_stopped, w);
    }
}

void awaited_on_scan(struct machine *m, uint64_t scan, const struct err *problem)
{
    struct list *it, *tmp;

    LIST_FOREACH(it, tmp, &m->awaited) {
        struct awaited *a = container_of(it, struct awaited, link);
        if (a->event != EVENT_SCANNED || a->scan > scan)
            continue;
        if (!problem) {
            end(a, write_found, NULL);
            continue;
        }
        job_record_fail(a->record, problem);
        forget(a);
    }
}

void awaited_free_all(struct machine *m)
{
    struct list *it, *tmp;

    LIST_FOREACH(it, tmp, &m->awaited)
        forget(container_of(it, struct awaited, link));
}
