#include "supervisor/worker_info.h"

#include "base/json.h"
#include "registry/worker.h"

static uint32_t read_count(struct json *j, int64_t max)
{
    int64_t n = 0;

    json_read_i64_in(j, 0, max, &n);
    return (uint32_t)n;
}

int worker_info_parse(struct str body, struct worker_info *ret, struct err *err)
{
    struct worker_info info = { 0 };
    struct json j;

    json_init(&j, body);
    json_object(&j)
    {
        if (json_read_null(&j)) {
            continue;
        } else if (json_key(&j, "slots")) {
            info.slots = read_count(&j, SLOTS_MAX);
        } else if (json_key(&j, "active")) {
            info.active = read_count(&j, ACTIVE_MAX);
        } else if (json_key(&j, "queued")) {
            info.queued = read_count(&j, QUEUED_MAX);
        } else if (json_key(&j, "kv_used_pct")) {
            json_read_double_in(&j, 0, 100, &info.kv_used_pct);
            info.has_kv_used_pct = true;
        } else if (json_key(&j, "tokens_per_s")) {
            json_read_double_in(&j, 0, 1e9, &info.tokens_per_s);
            info.has_tokens_per_s = true;
        } else {
            json_skip(&j);
        }
    }
    int rc = json_finish(&j, err);
    if (rc == 0)
        *ret = info;
    return rc;
}

int worker_health_progress(struct str body)
{
    double progress = -1;
    struct err err;
    struct json j;

    json_init(&j, body);
    json_object(&j)
    {
        if (json_key(&j, "progress"))
            json_read_double_in(&j, 0, 1, &progress);
        else
            json_skip(&j);
    }
    if (json_finish(&j, &err) < 0 || progress < 0)
        return WORKER_PROGRESS_UNKNOWN;
    return (int)(progress * 100);
}
