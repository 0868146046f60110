#include "hive/report.h"

#include "api/facts_json.h"
#include "base/clock.h"
#include "hive/memory.h"

#include <stdio.h>
#include <string.h>

/* --- Workers ------------------------------------------------------------------------ */

static void add_gpu(struct worker_facts *f, const struct gpu *g)
{
    for (size_t i = 0; i < f->gpu_ids_len; i++)
        if (f->gpu_ids[i] == g->index)
            return;
    if (f->gpu_ids_len == GPUS_MAX)
        return;
    f->gpu_ids[f->gpu_ids_len++] = g->index;
    f->total_vram_mb += g->memory_total_mb;
    if (g->util_pct > f->gpu_util_pct)
        f->gpu_util_pct = g->util_pct;
}

void report_worker_facts(const struct gpu_sample *gpu, const struct supervised *w,
                         struct worker_facts *ret)
{
    *ret = w->facts;
    for (size_t i = 0; i < gpu->gpus_len; i++)
        if (strcmp(gpu->gpus[i].id, w->device) == 0)
            add_gpu(ret, &gpu->gpus[i]);
    for (size_t i = 0; i < gpu->processes_len; i++) {
        const struct gpu_process *p = &gpu->processes[i];
        if (p->pid != ret->pid)
            continue;
        add_gpu(ret, &gpu->gpus[p->gpu]);
        ret->vram_mb += p->memory_mb;
    }
    /* A worker that holds more than its GPU is said to have is a driver's rounding. */
    if (ret->vram_mb > ret->total_vram_mb)
        ret->vram_mb = ret->total_vram_mb;
}

static void write_worker(struct json_out *o, const struct machine *m, const struct supervised *w,
                         bool with_token)
{
    struct worker_facts facts;

    report_worker_facts(&m->gpu, w, &facts);
    facts_write_worker(o, &facts);
    if (with_token)
        json_str(o, "token", facts.token.text);
    json_str(o, "device", w->device);
    json_uint(o, "threads", w->threads);
    if (facts.state == WORKER_STARTING && w->progress_pct >= 0)
        json_int(o, "progress_pct", w->progress_pct);
}

void report_write_worker(struct json_out *o, const struct machine *m, const struct supervised *w)
{
    write_worker(o, m, w, false);
}

static void write_workers(struct json_out *o, const struct machine *m, bool with_token)
{
    json_begin(o, "workers", '[');
    for (const struct supervised *w = supervisor_first(m->supervisor); w;
         w = supervisor_next(m->supervisor, w)) {
        json_begin(o, NULL, '{');
        write_worker(o, m, w, with_token);
        json_end(o);
    }
    json_end(o);
}

void report_write_workers(struct json_out *o, const struct machine *m)
{
    write_workers(o, m, false);
}

/* --- The hive ------------------------------------------------------------------------ */

void report_write_hive(struct json_out *o, const struct machine *m)
{
    const struct hive_options *options = m->options;
    struct hive_facts f = { .port = m->port, .status = machine_status(m) };

    (void)str_copy(f.id, sizeof(f.id), str_of(options->id));
    (void)str_copy(f.hostname, sizeof(f.hostname), str_of(options->hostname));
    (void)str_copy(f.address, sizeof(f.address), str_of(options->address));
    (void)str_copy(f.version, sizeof(f.version), str_of(RBEE_VERSION));
    f.health = machine_health(m, f.health_reason, sizeof(f.health_reason));
    f.labels = options->labels; /* borrowed */
    memory_look(&f.ram_mb, &f.ram_free_mb);
    facts_write_hive(o, &f);
}

static void write_cpu(struct json_out *o, const struct machine *m)
{
    char name[64];

    (void)snprintf(name, sizeof(name), "%u cores", m->supervisor_options.cores);
    json_begin(o, NULL, '{');
    json_str(o, "id", "cpu");
    json_str(o, "name", name);
    json_str(o, "device_type", "cpu");
    json_end(o);
}

static void write_gpu(struct json_out *o, const struct gpu *g)
{
    const char *colon = strchr(g->id, ':');

    json_begin(o, NULL, '{');
    json_str(o, "id", g->id);
    json_str(o, "name", g->name);
    json_strn(o, "device_type", (struct str){ g->id, (size_t)(colon - g->id) });
    if (g->has_memory)
        json_double(o, "vram_gb", (double)g->memory_total_mb / 1024);
    if (g->compute_capability[0])
        json_str(o, "compute_capability", g->compute_capability);
    json_end(o);
}

static void write_devices(struct json_out *o, const struct machine *m, const char *key)
{
    json_begin(o, key, '[');
    write_cpu(o, m);
    for (size_t i = 0; i < m->gpu.gpus_len; i++)
        write_gpu(o, &m->gpu.gpus[i]);
    json_end(o);
}

void report_write_capabilities(struct json_out *o, const struct machine *m)
{
    json_str(o, "hive_id", m->options->id);
    write_devices(o, m, "devices");
    facts_write_models(o, m->models.entries, m->models.len);
    json_str(o, "gpu_source", m->has_gpu ? m->gpu.source : NULL);
    json_uint(o, "threads_left", supervisor_threads_left(m->supervisor));
}

bool report_write_heartbeat(const struct machine *m, bool with_capabilities, struct buf *out)
{
    struct json_out o;

    json_out_init(&o, out);
    json_begin(&o, NULL, '{');
    json_str(&o, "api_version", "v1");
    json_begin(&o, "hive", '{');
    report_write_hive(&o, m);
    json_end(&o);
    json_time(&o, "timestamp", clock_wall_ms());
    write_workers(&o, m, true);
    if (with_capabilities) {
        write_devices(&o, m, "capabilities");
        facts_write_models(&o, m->models.entries, m->models.len);
    }
    json_end(&o);
    return !out->overflowed;
}
