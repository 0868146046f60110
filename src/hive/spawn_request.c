#include "hive/spawn_request.h"

#include "base/json.h"
#include "base/labels_json.h"

#include <string.h>

enum { SPAWN_SLOTS_MAX = 256, SPAWN_THREADS_MAX = 512, SPAWN_CTX_MAX = 1 << 24 };

static const char members[] = "model, hive_id, device, slots, ctx, threads, labels";

static uint32_t read_number(struct json *j, int64_t max)
{
    int64_t n = 0;

    json_read_i64_in(j, 1, max, &n);
    return (uint32_t)n;
}

static void read_member(struct json *j, struct spawn_request *r)
{
    struct worker_spec *spec = &r->spec;

    if (json_key(j, "operation") || json_key(j, "id"))
        json_skip(j); /* how it came here; read already */
    else if (json_key(j, "hive_id"))
        json_read_text(j, r->hive_id, sizeof(r->hive_id));
    else if (json_key(j, "model"))
        json_read_text(j, spec->model, sizeof(spec->model));
    else if (json_key(j, "device"))
        json_read_text(j, spec->device, sizeof(spec->device));
    else if (json_key(j, "slots"))
        spec->slots = read_number(j, SPAWN_SLOTS_MAX);
    else if (json_key(j, "ctx"))
        spec->ctx = read_number(j, SPAWN_CTX_MAX);
    else if (json_key(j, "threads"))
        spec->threads = read_number(j, SPAWN_THREADS_MAX);
    else if (json_key(j, "labels"))
        labels_read(j, &spec->labels);
    else
        json_fail(j, "is not known to worker_spawn, which takes %s", members);
}

int spawn_request_parse(struct str body, struct spawn_request *ret, struct err *err)
{
    struct spawn_request r = { 0 };
    struct json j;

    json_init(&j, body);
    json_object(&j)
    {
        if (!json_read_null(&j))
            read_member(&j, &r);
    }
    int rc = json_finish(&j, err);
    if (rc == 0 && !r.spec.model[0])
        rc = err_param(err, ERR_MISSING, "model",
                       "'model' is missing: name one of this hive's models");
    if (rc < 0) {
        spawn_request_free(&r);
        return rc;
    }
    *ret = r;
    return 0;
}

void spawn_request_free(struct spawn_request *r)
{
    labels_free(&r->spec.labels);
}
