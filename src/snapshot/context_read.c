/* A context as a whole: its parts, its metrics, what is nobody's. */
#include "snapshot/context.h"

#include "base/json_write.h"
#include "base/mem.h"
#include "snapshot/context_reader.h"

/* A number, or {"seed": number}. */
static void read_rng(struct reader *x, struct json *j)
{
    int64_t seed = 0;

    if (json_peek(j) == JSON_OBJECT) {
        json_object(j)
        {
            if (json_key(j, "seed"))
                json_read_i64(j, &seed);
        }
    } else {
        json_read_i64(j, &seed);
    }
    x->header.seed = (uint64_t)seed;
}

/* True: the member is one of ours. */
static bool split_member(struct reader *x, struct json *j, struct context_parts *parts)
{
    const struct {
        const char *name;
        struct str *raw;
    } names[] = {
        { "queue", &parts->queue },     { "pools", &parts->pools },
        { "workers", &parts->workers }, { "tenants", &parts->tenants },
        { "models", &parts->models },   { "metrics", &parts->metrics },
        { "config", &parts->config },
    };
    int64_t number = 0;

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (!json_key(j, names[i].name))
            continue;
        if (!json_read_null(j))
            json_read_raw(j, names[i].raw);
        return true;
    }
    if (json_key(j, "now_ms")) {
        json_read_i64_in(j, 0, INT64_MAX, &number);
        x->header.now_ms = (uint64_t)number;
    } else if (json_key(j, "utc_offset_min")) {
        json_read_i64_in(j, -24 * 60, 24 * 60, &number);
        x->header.utc_offset_min = (int32_t)number;
    } else if (json_key(j, "seed") || json_key(j, "rng")) {
        read_rng(x, j);
    } else {
        return json_key(j, "helpers"); /* a library, never data */
    }
    return true;
}

static void split(struct reader *x, struct str json, struct context_parts *parts,
                  struct json_out *extras)
{
    struct json j;
    struct err err;
    char key[256];

    json_init(&j, json);
    json_object(&j)
    {
        struct str raw;

        if (split_member(x, &j, parts) || !json_key_copy(&j, key, sizeof(key)))
            continue;
        json_read_raw(&j, &raw);
        if (!j.failed)
            json_raw(extras, key, raw);
    }
    if (json_finish(&j, &err) < 0)
        context_fail(x, "", &err);
}

/* Counted from the rows; what was given wins. */
static void settle_metrics(struct reader *x, const struct context_parts *parts,
                           struct json_out *extras)
{
    bool is_kept = false;

    rows_put_header(x->r, &x->header);
    snapshot_measure(rows_of(x->r), &x->header.metrics);
    if (!parts->metrics.p)
        return;
    context_read_members(x, parts->metrics, &context_metrics, &x->header.metrics, "metrics",
                         &is_kept);
    if (is_kept)
        json_raw(extras, "metrics", parts->metrics);
}

static void read_all(struct reader *x, struct str json)
{
    struct context_parts parts = { 0 };
    struct buf text;
    struct json_out extras;

    buf_init(&text, CONTEXT_BYTES_MAX * 2);
    json_out_init(&extras, &text);
    json_begin(&extras, NULL, '{');
    rows_put_text(x->r, 0, "", 1);
    split(x, json, &parts, &extras);
    if (!x->err.code)
        context_read_rows(x, &parts);
    if (!x->err.code)
        settle_metrics(x, &parts, &extras);
    json_end(&extras);
    if (buf_len(&text) > 2)
        x->header.extras = context_put_text(x, buf_str(&text));
    if (!x->err.code)
        rows_put_header(x->r, &x->header);
    buf_deinit(&text);
}

int context_read(struct region *r, struct str json, uint64_t now_ms, struct err *err)
{
    struct reader x = { .r = r,
                        .arena_used = 1,
                        .header = { .layout = SNAP_LAYOUT,
                                    .now_ms = now_ms,
                                    .first_job = SNAP_NONE,
                                    .asked_job = SNAP_NONE } };

    if (json.len > CONTEXT_BYTES_MAX)
        return err_set(err, ERR_TOO_LARGE, "a context has at most %d bytes", CONTEXT_BYTES_MAX);
    arena_init(&x.scratch, (size_t)2 * CONTEXT_BYTES_MAX);
    buf_init(&x.items, CONTEXT_BYTES_MAX);
    map_init(&x.workers);
    map_init(&x.pools);
    map_init(&x.models);
    map_init(&x.tenants);
    read_all(&x, json);
    map_deinit(&x.tenants);
    map_deinit(&x.models);
    map_deinit(&x.pools);
    map_deinit(&x.workers);
    buf_deinit(&x.items);
    arena_deinit(&x.scratch);
    free(x.members.parts);
    free(x.loads.parts);
    if (x.err.code)
        *err = x.err;
    return x.err.code;
}
