#include "hive/machine.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "hive/awaited.h"
#include "hive/heartbeat.h"
#include "hive/metrics.h"
#include "hive/model_watch.h"
#include "http/client.h"
#include "loop/loop.h"
#include "proxy/job_table.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>

enum {
    SCAN_EVERY_MS = 10000,
    MISSED_WORRYING = 3, /* questions in a row that a worker did not answer */
    JOBS_MAX = 10000,
    JOBS_BYTES_MAX = 64 * 1024 * 1024,
};

/* --- Workers ------------------------------------------------------------------------ */

static void log_worker(const struct supervised *w, enum supervised_event what)
{
    switch (what) {
    case SUPERVISED_READY:
        log_info("worker ready", LOG_STR("worker_id", w->facts.id),
                 LOG_STR("model", w->facts.model), LOG_INT("slots", w->facts.slots));
        break;
    case SUPERVISED_FAILED:
        log_error("worker failed", LOG_STR("worker_id", w->facts.id),
                  LOG_STR("model", w->facts.model), LOG_STR("reason", w->facts.reason));
        break;
    case SUPERVISED_CHANGED:
        if (w->facts.state == WORKER_FAILED)
            log_warn("worker does not answer", LOG_STR("worker_id", w->facts.id),
                     LOG_STR("reason", w->facts.reason));
        break;
    case SUPERVISED_GONE:
        log_info("worker gone", LOG_STR("worker_id", w->facts.id));
        break;
    case SUPERVISED_PROGRESS:
        break;
    }
}

static void on_worker(void *data, const struct supervised *w, enum supervised_event what)
{
    struct machine *m = data;

    log_worker(w, what);
    if (what == SUPERVISED_FAILED)
        hive_count_failure(m);
    awaited_on_worker(m, w, what);
    if (what != SUPERVISED_PROGRESS)
        heartbeat_now(m->heartbeat);
}

/* --- GPUs ----------------------------------------------------------------------------- */

static bool same_gpus(const struct gpu_sample *a, const struct gpu_sample *b)
{
    for (size_t i = 0; i < a->gpus_len && i < b->gpus_len; i++)
        if (strcmp(a->gpus[i].id, b->gpus[i].id) != 0 ||
            strcmp(a->gpus[i].name, b->gpus[i].name) != 0 ||
            a->gpus[i].memory_total_mb != b->gpus[i].memory_total_mb)
            return false;
    return a->gpus_len == b->gpus_len;
}

static void on_gpus(void *data, const struct gpu_sample *sample)
{
    struct machine *m = data;

    if (!m->has_gpu || !same_gpus(&m->gpu, sample)) {
        m->capabilities++;
        log_info("GPUs", LOG_STR("source", sample->source), LOG_INT("count", sample->gpus_len));
    }
    if (sample->problem[0] && strcmp(sample->problem, m->gpu.problem) != 0)
        log_warn("GPU telemetry", LOG_STR("error", sample->problem));
    m->gpu = *sample;
    m->has_gpu = true;
}

bool machine_has_device(const struct machine *m, const char *id)
{
    for (size_t i = 0; i < m->gpu.gpus_len; i++)
        if (strcmp(m->gpu.gpus[i].id, id) == 0)
            return true;
    return strcmp(id, "cpu") == 0;
}

/* --- Models ----------------------------------------------------------------------------- */

static void take_models(struct machine *m, struct model_list *found)
{
    m->models_problem[0] = '\0';
    if (model_list_equal(&m->models, found))
        return;
    model_list_free(&m->models);
    m->models = *found;
    *found = (struct model_list){ 0 };
    m->capabilities++;
    log_info("models", LOG_STR("dir", m->options->models_path), LOG_INT("count", m->models.len));
    heartbeat_now(m->heartbeat);
}

/* What was known stays: a directory that is away for a moment comes back. */
static void note_no_models(struct machine *m, const struct err *err)
{
    if (strcmp(m->models_problem, err->msg) != 0)
        log_warn("models cannot be listed", LOG_ERR(err));
    (void)snprintf(m->models_problem, sizeof(m->models_problem), "%s", err->msg);
}

static void on_scan(void *data, uint64_t scan, struct model_list *found, const struct err *err)
{
    struct machine *m = data;

    if (found)
        take_models(m, found);
    else
        note_no_models(m, err);
    awaited_on_scan(m, scan, err);
}

/* --- How it is ---------------------------------------------------------------------------- */

enum hive_status machine_status(const struct machine *m)
{
    size_t working = 0, full = 0;

    if (m->is_stopping)
        return HIVE_STOPPING;
    if (!m->has_gpu)
        return HIVE_STARTING;
    for (const struct supervised *w = supervisor_first(m->supervisor); w;
         w = supervisor_next(m->supervisor, w)) {
        working += w->facts.state == WORKER_READY || w->facts.state == WORKER_BUSY;
        full += w->facts.state == WORKER_BUSY;
    }
    return working > 0 && working == full ? HIVE_BUSY : HIVE_READY;
}

enum hive_health machine_health(const struct machine *m, char *ret, size_t size)
{
    ret[0] = '\0';
    for (const struct supervised *w = supervisor_first(m->supervisor); w;
         w = supervisor_next(m->supervisor, w)) {
        if (w->phase != SUPERVISED_RUNNING || w->missed < MISSED_WORRYING)
            continue;
        (void)snprintf(ret, size, "worker %s does not answer", w->facts.id);
        return HIVE_DEGRADED;
    }
    const char *problem = m->gpu.problem[0] ? m->gpu.problem : m->models_problem;
    (void)snprintf(ret, size, "%s", problem);
    return problem[0] ? HIVE_DEGRADED : HIVE_HEALTHY;
}

/* --- Life ------------------------------------------------------------------------------------ */

static unsigned count_cores(void)
{
    cpu_set_t ours;

    return sched_getaffinity(0, sizeof(ours), &ours) == 0 ? (unsigned)CPU_COUNT(&ours) : 1;
}

static const struct cgroup_tree *open_cgroups(struct machine *m)
{
    enum { MEMBERSHIP_BYTES_MAX = 64 * 1024 };
    AUTO(buf_deinit) struct buf text;
    struct err err;

    buf_init(&text, MEMBERSHIP_BYTES_MAX);
    int rc = file_read("/proc/self/cgroup", &text, &err);
    if (rc == 0)
        rc = cgroup_tree_open("/sys/fs/cgroup", buf_str(&text), getpid(), &m->cgroups, &err);
    if (rc < 0) {
        log_info("no cgroups for workers; they are counted as process groups", LOG_ERR(&err));
        return NULL;
    }
    log_info("workers get cgroups", LOG_STR("path", m->cgroups.path));
    return &m->cgroups;
}

static void on_leftover(void *data, pid_t pid, const char *worker_id, const char *model)
{
    (void)data;
    log_warn("a worker that outlived its hive was ended", LOG_STR("worker_id", worker_id),
             LOG_STR("model", model), LOG_INT("pid", pid));
}

static int start_supervisor(struct machine *m, struct err *err)
{
    const struct hive_options *o = m->options;
    struct supervisor_options *s = &m->supervisor_options;

    supervisor_options_init(s);
    s->program = o->worker_path;
    s->state_dir = o->state_dir;
    s->models_dir = o->models_path;
    s->on_leftover = on_leftover;
    s->id_prefix = o->id;
    s->listen_host = o->listen_host;
    s->address = o->address;
    s->ports = o->ports;
    s->cores = count_cores();
    s->start_ms = o->start_ms;
    s->drain_ms = o->drain_ms;
    s->terminate_ms = o->terminate_ms;
    s->cgroups = open_cgroups(m);
    return supervisor_new(m->loop, m->client, s, on_worker, m, &m->supervisor, err);
}

static struct job_table *new_jobs(struct loop *loop)
{
    struct job_table_options options;

    job_table_options_init(&options);
    options.jobs_max = JOBS_MAX;
    options.total_bytes_max = JOBS_BYTES_MAX;
    return job_table_new(loop, &options);
}

int machine_new(struct loop *loop, const struct hive_options *options, struct machine **ret,
                struct err *err)
{
    static struct gpu_options gpu_options; /* a look that hangs may outlive this machine */
    struct http_client_options client_options;
    struct machine *m = mem_alloc(1, sizeof(*m));

    m->options = options;
    m->loop = loop;
    m->capabilities = 1;
    m->started_ms = loop_now_ms(loop);
    m->started_wall_ms = clock_wall_ms();
    list_init(&m->awaited);
    http_client_options_init(&client_options);
    m->client = http_client_new(loop, &client_options);
    m->metrics = hive_metrics_new();
    m->jobs = new_jobs(loop);
    m->heartbeat = heartbeat_new(m);
    int rc = start_supervisor(m, err);
    if (rc < 0) {
        machine_free(m);
        return rc;
    }
    gpu_options_init(&gpu_options);
    m->gpu_watch = gpu_watch_new(loop, &gpu_options, on_gpus, m);
    m->model_watch = model_watch_new(loop, options->models_path, SCAN_EVERY_MS, on_scan, m);
    *ret = m;
    return 0;
}

void machine_start(struct machine *m, uint16_t port)
{
    m->port = port;
    heartbeat_now(m->heartbeat);
}

void machine_stop(struct machine *m, void (*on_done)(void *data), void *data)
{
    m->is_stopping = true;
    supervisor_stop(m->supervisor, on_done, data);
    heartbeat_now(m->heartbeat);
}

void machine_free(struct machine *m)
{
    if (!m)
        return;
    model_watch_free(m->model_watch);
    gpu_watch_free(m->gpu_watch);
    heartbeat_free(m->heartbeat);
    supervisor_free(m->supervisor);
    awaited_free_all(m);
    job_table_free(m->jobs);
    model_list_free(&m->models);
    metrics_free(m->metrics);
    http_client_free(m->client);
    free(m);
}
