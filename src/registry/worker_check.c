/*
 * What a report may say. A lie is refused with the field's name, so that whoever
 * runs that hive knows what to mend; nothing here depends on other reports.
 */
#include "registry/worker.h"

#include "base/utf8.h"

#include <math.h>

/* Ids stand in URLs, log lines and command lines: visible ASCII without quotes. */
static bool is_id(const char *id)
{
    if (!*id)
        return false;
    for (; *id; id++) {
        if (*id <= ' ' || *id > '~' || strchr("\"'`\\", *id))
            return false;
    }
    return true;
}

/* Text for people: any script, no control characters. May be empty. */
static bool is_text(const char *text)
{
    for (const char *p = text; *p; p++) {
        if ((unsigned char)*p < ' ' || *p == '\x7f')
            return false;
    }
    return utf8_is_valid(str_of(text));
}

/* A host name, an address or a unix path. */
static bool is_address(const char *address, bool is_unix)
{
    return *address && is_text(address) && (is_unix || !strchr(address, ' '));
}

static int check_place(const struct worker_facts *f, struct err *err)
{
    if (!is_id(f->id))
        return err_param(err, ERR_INVALID, "worker_id",
                         "a worker's id must be visible ASCII without blanks or quotes");
    if (*f->hive_id && !is_id(f->hive_id))
        return err_param(err, ERR_INVALID, "hive_id",
                         "worker '%s': the hive's id must be visible ASCII without blanks or "
                         "quotes",
                         f->id);
    if (!is_text(f->model))
        return err_param(err, ERR_INVALID, "model",
                         "worker '%s': the model must be UTF-8 without control characters", f->id);
    if (!is_address(f->address, f->is_unix))
        return err_param(err, ERR_INVALID, "address",
                         "worker '%s': the address must be a host name or an IP address", f->id);
    if (!f->is_unix && f->port == 0)
        return err_param(err, ERR_INVALID, "port", "worker '%s': the port must be 1 to 65535",
                         f->id);
    if (!is_text(f->reason))
        return err_param(err, ERR_INVALID, "reason",
                         "worker '%s': the reason must be UTF-8 without control characters", f->id);
    if (!is_text(f->group) || !is_text(f->instance))
        return err_param(err, ERR_INVALID, "group",
                         "worker '%s': group and instance must be UTF-8 without control "
                         "characters",
                         f->id);
    return 0;
}

static int check_load(const struct worker_facts *f, struct err *err)
{
    /* Our own engine cannot run more than its slots; behind a foreign one may be
     * more than the operator wants to use. */
    uint32_t active_max = f->kind == WORKER_KIND_RBEE ? f->slots : ACTIVE_MAX;

    if (f->slots < 1 || f->slots > SLOTS_MAX)
        return err_param(err, ERR_INVALID, "slots", "worker '%s': slots is %u, must be 1 to %d",
                         f->id, f->slots, SLOTS_MAX);
    if (f->active > active_max)
        return err_param(err, ERR_INVALID, "active",
                         "worker '%s': active is %u, more than the %u that it can run", f->id,
                         f->active, active_max);
    if (f->queued > QUEUED_MAX)
        return err_param(err, ERR_INVALID, "queued", "worker '%s': queued is %u, must be 0 to %d",
                         f->id, f->queued, QUEUED_MAX);
    return 0;
}

static int check_gpus(const struct worker_facts *f, struct err *err)
{
    if (f->gpu_ids_len > GPUS_MAX)
        return err_param(err, ERR_INVALID, "gpu_ids", "worker '%s': more than %d GPUs", f->id,
                         GPUS_MAX);
    if (f->total_vram_mb > 0 && f->vram_mb > f->total_vram_mb)
        return err_param(err, ERR_INVALID, "vram_mb",
                         "worker '%s': vram_mb is %llu, more than total_vram_mb, %llu", f->id,
                         (unsigned long long)f->vram_mb, (unsigned long long)f->total_vram_mb);
    return 0;
}

static int check_numbers(const struct worker_facts *f, struct err *err)
{
    double gpus = f->gpu_ids_len > 0 ? (double)f->gpu_ids_len : 1;
    const struct {
        const char *name;
        double value, max;
    } numbers[] = {
        { "cpu_pct", f->cpu_pct, INFINITY },
        { "io_r_mb_s", f->io_r_mb_s, INFINITY },
        { "io_w_mb_s", f->io_w_mb_s, INFINITY },
        { "gpu_util_pct", f->gpu_util_pct, 100 * gpus },
        { "kv_used_pct", f->has_kv_used_pct ? f->kv_used_pct : 0, 100 },
        { "tokens_per_s", f->has_tokens_per_s ? f->tokens_per_s : 0, INFINITY },
    };

    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        double value = numbers[i].value, max = numbers[i].max;

        if (isfinite(value) && value >= 0 && value <= max)
            continue;
        if (isfinite(max))
            return err_param(err, ERR_INVALID, numbers[i].name,
                             "worker '%s': %s is %g, must be 0 to %g", f->id, numbers[i].name,
                             value, max);
        return err_param(err, ERR_INVALID, numbers[i].name,
                         "worker '%s': %s is %g, must be 0 or more", f->id, numbers[i].name, value);
    }
    return 0;
}

int worker_facts_check(const struct worker_facts *f, struct err *err)
{
    int rc = check_place(f, err);
    if (rc == 0)
        rc = check_load(f, err);
    if (rc == 0)
        rc = check_gpus(f, err);
    if (rc == 0)
        rc = check_numbers(f, err);
    return rc;
}

static int check_devices(const struct hive_facts *f, struct err *err)
{
    if (f->devices_len > DEVICES_PER_HIVE_MAX)
        return err_param(err, ERR_INVALID, "capabilities", "hive '%s': more than %d devices", f->id,
                         DEVICES_PER_HIVE_MAX);
    for (size_t i = 0; i < f->devices_len; i++) {
        const struct device *d = &f->devices[i];

        if (!is_id(d->id))
            return err_param(err, ERR_INVALID, "capabilities.id",
                             "hive '%s': a device's id must be visible ASCII", f->id);
        if (!is_text(d->name) || !is_text(d->device_type) || !is_text(d->compute_capability))
            return err_param(err, ERR_INVALID, "capabilities",
                             "hive '%s': device '%s' must be described in UTF-8 without control "
                             "characters",
                             f->id, d->id);
        if (!isfinite(d->vram_gb) || d->vram_gb < 0)
            return err_param(err, ERR_INVALID, "capabilities.vram_gb",
                             "hive '%s': device '%s' must have vram_gb of 0 or more", f->id, d->id);
    }
    return 0;
}

static int check_models(const struct hive_facts *f, struct err *err)
{
    if (f->models_len > MODELS_PER_HIVE_MAX)
        return err_param(err, ERR_INVALID, "models", "hive '%s': more than %d models", f->id,
                         MODELS_PER_HIVE_MAX);
    for (size_t i = 0; i < f->models_len; i++) {
        if (!*f->models[i].ref || !is_text(f->models[i].ref))
            return err_param(err, ERR_INVALID, "models",
                             "hive '%s': model %zu of its list must be UTF-8 without control "
                             "characters",
                             f->id, i + 1);
    }
    return 0;
}

int hive_facts_check(const struct hive_facts *f, struct err *err)
{
    if (!is_id(f->id))
        return err_param(err, ERR_INVALID, "hive.id",
                         "a hive's id must be visible ASCII without blanks or quotes");
    if (!is_text(f->hostname) || !is_text(f->health_reason) || !is_text(f->version))
        return err_param(err, ERR_INVALID, "hive",
                         "hive '%s': hostname, reason and version must be UTF-8 without control "
                         "characters",
                         f->id);
    if (!is_address(f->address, false))
        return err_param(err, ERR_INVALID, "hive.address",
                         "hive '%s': the address must be a host name or an IP address", f->id);
    if (f->port == 0)
        return err_param(err, ERR_INVALID, "hive.port", "hive '%s': the port must be 1 to 65535",
                         f->id);
    if (f->ram_mb > 0 && f->ram_free_mb > f->ram_mb)
        return err_param(err, ERR_INVALID, "hive.ram_free_mb",
                         "hive '%s': ram_free_mb is %llu, more than ram_mb, %llu", f->id,
                         (unsigned long long)f->ram_free_mb, (unsigned long long)f->ram_mb);
    int rc = check_devices(f, err);
    return rc == 0 ? check_models(f, err) : rc;
}
