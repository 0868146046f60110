#include "api/facts_json.h"

#include "base/labels_json.h"

static void write_resources(struct json_out *o, const struct worker_facts *w)
{
    json_double(o, "cpu_pct", w->cpu_pct);
    json_uint(o, "rss_mb", w->rss_mb);
    json_double(o, "io_r_mb_s", w->io_r_mb_s);
    json_double(o, "io_w_mb_s", w->io_w_mb_s);
    json_uint(o, "uptime_s", w->uptime_s);
    json_double(o, "gpu_util_pct", w->gpu_util_pct);
    json_uint(o, "vram_mb", w->vram_mb);
    json_uint(o, "total_vram_mb", w->total_vram_mb);
    json_begin(o, "gpu_ids", '[');
    for (size_t i = 0; i < w->gpu_ids_len; i++)
        json_uint(o, NULL, w->gpu_ids[i]);
    json_end(o);
    if (w->has_kv_used_pct)
        json_double(o, "kv_used_pct", w->kv_used_pct);
}

static void write_worker(struct json_out *o, const struct worker_facts *w)
{
    json_str(o, "worker_id", w->id);
    json_str(o, "model", w->model[0] ? w->model : NULL);
    json_str(o, "state", worker_state_name(w->state));
    if (w->reason[0])
        json_str(o, "reason", w->reason);
    json_str(o, "kind", worker_kind_name(w->kind));
    json_str(o, "address", w->address);
    json_uint(o, "port", w->port);
    json_uint(o, "slots", w->slots);
    json_uint(o, "active", w->active);
    json_uint(o, "queued", w->queued);
    json_uint(o, "pid", w->pid);
    json_str(o, "group", w->group);
    json_str(o, "instance", w->instance);
    write_resources(o, w);
    labels_write(o, &w->labels);
}

void facts_write_worker(struct json_out *o, const struct worker_facts *w)
{
    write_worker(o, w);
    if (w->has_tokens_per_s)
        json_double(o, "tokens_per_s", w->tokens_per_s);
}

void facts_write_hive(struct json_out *o, const struct hive_facts *h)
{
    json_str(o, "id", h->id);
    json_str(o, "hostname", h->hostname);
    json_str(o, "address", h->address);
    json_uint(o, "port", h->port);
    json_str(o, "operational_status", hive_status_name(h->status));
    json_begin(o, "health_status", '{');
    json_str(o, "status", hive_health_name(h->health));
    if (h->health_reason[0])
        json_str(o, "reason", h->health_reason);
    json_end(o);
    json_str(o, "version", h->version);
    if (h->ram_mb > 0) {
        json_uint(o, "ram_mb", h->ram_mb);
        json_uint(o, "ram_free_mb", h->ram_free_mb);
    }
    labels_write(o, &h->labels);
}

/* What runs of the queen's showed; unknown ones are left out. */
static void write_measured(struct json_out *o, const struct worker *w)
{
    if (w->tokens_per_s > 0)
        json_double(o, "tokens_per_s", w->tokens_per_s);
    if (w->prefill_tokens_per_s > 0)
        json_double(o, "prefill_tokens_per_s", w->prefill_tokens_per_s);
    if (w->load_time_ms > 0)
        json_uint(o, "load_time_ms", w->load_time_ms);
}

void facts_write_known_worker(struct json_out *o, const struct worker *w, uint64_t now_ms)
{
    write_worker(o, &w->facts);
    json_str(o, "hive_id", w->facts.hive_id[0] ? w->facts.hive_id : NULL);
    json_str(o, "liveness", liveness_name(w->live));
    json_bool(o, "static", w->is_static);
    json_bool(o, "available", worker_is_available(w));
    json_uint(o, "in_flight", w->in_flight);
    json_uint(o, "in_flight_tokens", w->in_flight_tokens);
    json_uint(o, "queued_prefill_tokens", w->queued_prefill_tokens);
    json_uint(o, "room", worker_room(w));
    json_uint(o, "heartbeat_age_ms", now_ms - w->seen_ms);
    json_uint(o, "dispatched_total", w->dispatched_total);
    write_measured(o, w);
}

static void write_device(struct json_out *o, const struct device *d)
{
    json_begin(o, NULL, '{');
    json_str(o, "id", d->id);
    json_str(o, "name", d->name);
    json_str(o, "device_type", d->device_type);
    if (d->vram_gb > 0)
        json_double(o, "vram_gb", d->vram_gb);
    if (d->compute_capability[0])
        json_str(o, "compute_capability", d->compute_capability);
    json_end(o);
}

void facts_write_models(struct json_out *o, const struct listed_model *models, size_t len)
{
    json_begin(o, "models", '[');
    for (size_t i = 0; i < len; i++) {
        json_begin(o, NULL, '{');
        json_str(o, "ref", models[i].ref);
        if (models[i].size_bytes > 0)
            json_uint(o, "size_bytes", models[i].size_bytes);
        if (models[i].context_length > 0)
            json_uint(o, "context_length", models[i].context_length);
        json_end(o);
    }
    json_end(o);
}

void facts_write_known_hive(struct json_out *o, const struct hive *h, uint64_t now_ms)
{
    facts_write_hive(o, &h->facts);
    json_str(o, "liveness", liveness_name(h->live));
    json_uint(o, "heartbeat_age_ms", now_ms - h->seen_ms);
    json_uint(o, "reserved_mb", h->reserved_mb);
    json_begin(o, "capabilities", '[');
    for (size_t i = 0; i < h->facts.devices_len; i++)
        write_device(o, &h->facts.devices[i]);
    json_end(o);
    facts_write_models(o, h->facts.models, h->facts.models_len);
}
