/* The rows as JSON, in the order and by the names of context_fields.c. */
#include "snapshot/context.h"

#include "base/json.h"
#include "snapshot/context_fields.h"

enum { KEY_SIZE = 256 };

struct source {
    const struct snapshot *s;
    const struct context_field *field;
    const char *row;
    struct str extras;
};

typedef void write_fn(struct json_out *out, const struct source *from);

static void write_members(struct json_out *out, const struct snapshot *s,
                          const struct context_table *table, const void *row);

static const void *member(const struct source *from)
{
    return from->row + from->field->offset;
}

static struct str text_of(const struct source *from)
{
    return snapshot_text(from->s, *(const struct snap_text *)member(from));
}

/* --- Values; what is empty is left out ---------------------------------------------- */

static void write_text(struct json_out *out, const struct source *from)
{
    if (from->field->given || text_of(from).len > 0)
        json_strn(out, from->field->name, text_of(from));
}

static void write_list(struct json_out *out, const struct source *from)
{
    struct str rest = text_of(from), item;

    if (rest.len == 0)
        return;
    json_begin(out, from->field->name, '[');
    while (snapshot_item(&rest, &item))
        json_strn(out, NULL, item);
    json_end(out);
}

/* Keys as they are: json_strn() takes names that end in a NUL, and items do. */
static void write_map(struct json_out *out, const struct source *from)
{
    struct str rest = text_of(from), key, value;

    if (rest.len == 0)
        return;
    json_begin(out, from->field->name, '{');
    while (snapshot_item(&rest, &key) && snapshot_item(&rest, &value))
        json_strn(out, key.p, value);
    json_end(out);
}

static void write_bool(struct json_out *out, const struct source *from)
{
    json_bool(out, from->field->name, *(const uint8_t *)member(from));
}

static void write_u32(struct json_out *out, const struct source *from)
{
    json_uint(out, from->field->name, *(const uint32_t *)member(from));
}

static void write_u64(struct json_out *out, const struct source *from)
{
    uint64_t value = *(const uint64_t *)member(from);

    json_uint(out, from->field->name, value < INT64_MAX ? value : INT64_MAX);
}

static void write_bits(struct json_out *out, const struct source *from)
{
    json_int(out, from->field->name, (int64_t) * (const uint64_t *)member(from));
}

static void write_number(struct json_out *out, const struct source *from)
{
    json_double(out, from->field->name, *(const double *)member(from));
}

static void write_positive(struct json_out *out, const struct source *from)
{
    if (*(const double *)member(from) >= 0)
        write_number(out, from);
}

static void write_word(struct json_out *out, const struct source *from, const char *const *words)
{
    uint8_t value = *(const uint8_t *)member(from), len = 0;

    while (words[len])
        len++;
    if (value < len)
        json_str(out, from->field->name, words[value]);
}

static void write_status(struct json_out *out, const struct source *from)
{
    write_word(out, from, context_statuses);
}

static void write_liveness(struct json_out *out, const struct source *from)
{
    write_word(out, from, context_livenesses);
}

static void write_health(struct json_out *out, const struct source *from)
{
    write_word(out, from, context_healths);
}

static void write_priority(struct json_out *out, const struct source *from)
{
    write_word(out, from, context_priorities);
}

static void write_deadline(struct json_out *out, const struct source *from)
{
    json_int(out, from->field->name,
             snapshot_job_deadline_ms(from->s, (const struct snap_job *)(const void *)from->row));
}

static void write_model(struct json_out *out, const struct source *from)
{
    const struct snap_model *model = snapshot_model(from->s, *(const uint32_t *)member(from));

    if (model)
        json_strn(out, from->field->name, snapshot_text(from->s, model->ref));
}

static void write_gpu_ids(struct json_out *out, const struct source *from)
{
    const struct snap_worker *w = (const struct snap_worker *)(const void *)from->row;

    if (w->gpu_ids_len == 0)
        return;
    json_begin(out, from->field->name, '[');
    for (size_t i = 0; i < w->gpu_ids_len && i < SNAP_WORKER_GPUS_MAX; i++)
        json_uint(out, NULL, w->gpu_ids[i]);
    json_end(out);
}

static void write_gpus(struct json_out *out, const struct source *from)
{
    const struct snap_pool *pool = (const struct snap_pool *)(const void *)from->row;

    if (pool->gpus_len == 0)
        return;
    json_begin(out, from->field->name, '[');
    for (size_t i = 0; i < pool->gpus_len && i < SNAP_POOL_GPUS_MAX; i++) {
        json_begin(out, NULL, '{');
        write_members(out, from->s, &context_gpus, &pool->gpus[i]);
        json_end(out);
    }
    json_end(out);
}

/* Ids: the workers themselves stand in the context's list. */
static void write_pool_workers(struct json_out *out, const struct source *from)
{
    const struct snap_pool *pool = (const struct snap_pool *)(const void *)from->row;
    const struct snap_worker *w;
    uint32_t row = pool->first_worker;

    json_begin(out, from->field->name, '[');
    for (uint32_t i = 0; i < SNAP_WORKERS_MAX && (w = snapshot_worker(from->s, row)); i++) {
        if (w->id.len > 0)
            json_strn(out, NULL, snapshot_text(from->s, w->id));
        row = w->next_in_pool;
    }
    json_end(out);
}

/* A name that is counted, as a member's. */
static const char *copy_name(char name[KEY_SIZE], struct str text)
{
    return str_copy(name, KEY_SIZE, text) && text.len > 0 ? name : NULL;
}

static void write_loads(struct json_out *out, const struct source *from)
{
    const struct snap_model *model = (const struct snap_model *)(const void *)from->row;
    char name[KEY_SIZE];

    if (model->loads_len == 0)
        return;
    json_begin(out, from->field->name, '{');
    for (size_t i = 0; i < model->loads_len && i < SNAP_LOADS_MAX; i++) {
        const struct snap_pool *pool = snapshot_pool(from->s, model->loads[i].pool);

        if (pool && copy_name(name, snapshot_text(from->s, pool->id)))
            json_uint(out, name, model->loads[i].load_time_ms);
    }
    json_end(out);
}

static const struct snap_worker *worker_of(const struct snapshot *s, uint32_t row,
                                           uint32_t generation)
{
    const struct snap_worker *w = snapshot_worker(s, row);

    return w && w->generation == generation ? w : NULL;
}

static void write_warm(struct json_out *out, const struct source *from)
{
    const struct snap_job *job = (const struct snap_job *)(const void *)from->row;
    char name[KEY_SIZE];

    if (job->warm_len == 0)
        return;
    json_begin(out, from->field->name, '{');
    for (size_t i = 0; i < job->warm_len && i < SNAP_WARM_MAX; i++) {
        const struct snap_worker *w =
            worker_of(from->s, job->warm[i].worker, job->warm[i].generation);

        if (w && copy_name(name, snapshot_text(from->s, w->id)))
            json_uint(out, name, job->warm[i].cached_tokens);
    }
    json_end(out);
}

static void write_tried(struct json_out *out, const struct source *from)
{
    const struct snap_job *job = (const struct snap_job *)(const void *)from->row;

    if (job->tried_len == 0)
        return;
    json_begin(out, from->field->name, '[');
    for (size_t i = 0; i < job->tried_len && i < SNAP_TRIED_MAX; i++) {
        const struct snap_worker *w =
            worker_of(from->s, job->tried[i].worker, job->tried[i].generation);

        if (w)
            json_strn(out, NULL, snapshot_text(from->s, w->id));
    }
    json_end(out);
}

static bool is_empty(const struct context_table *table, const char *row)
{
    uint32_t given = *(const uint32_t *)(const void *)(row + table->given);

    for (size_t i = 0; i < table->len; i++) {
        const struct context_field *field = &table->fields[i];
        const void *at = row + field->offset;

        if (field->kind == CONTEXT_NESTED ? !is_empty(field->nested, row)
            : field->given                ? (given & field->given) != 0
                                          : ((const struct snap_text *)at)->len > 0)
            return false;
    }
    return true;
}

/* Tables of places have texts and facts that may be absent, no others. */
static void write_nested(struct json_out *out, const struct source *from)
{
    if (is_empty(from->field->nested, from->row))
        return;
    json_begin(out, from->field->name, '{');
    write_members(out, from->s, from->field->nested, from->row);
    json_end(out);
}

static write_fn *const writers[CONTEXT_KIND_COUNT_] = {
    [CONTEXT_TEXT] = write_text,         [CONTEXT_LIST] = write_list,
    [CONTEXT_MAP] = write_map,           [CONTEXT_BOOL] = write_bool,
    [CONTEXT_U32] = write_u32,           [CONTEXT_U64] = write_u64,
    [CONTEXT_BITS] = write_bits,         [CONTEXT_NUMBER] = write_number,
    [CONTEXT_POSITIVE] = write_positive, [CONTEXT_NESTED] = write_nested,
    [CONTEXT_STATUS] = write_status,     [CONTEXT_LIVENESS] = write_liveness,
    [CONTEXT_HEALTH] = write_health,     [CONTEXT_PRIORITY] = write_priority,
    [CONTEXT_DEADLINE] = write_deadline, [CONTEXT_MODEL] = write_model,
    [CONTEXT_GPU_IDS] = write_gpu_ids,   [CONTEXT_GPUS] = write_gpus,
    [CONTEXT_COUNT] = write_u32,         [CONTEXT_MEMBERS] = write_pool_workers,
    [CONTEXT_LOADS] = write_loads,       [CONTEXT_WARM] = write_warm,
    [CONTEXT_TRIED] = write_tried,
};

/* --- Objects -------------------------------------------------------------------------- */

static bool is_extra(struct str extras, const char *name)
{
    struct json j;
    struct err err;
    bool found = false;

    if (extras.len == 0)
        return false;
    json_init(&j, extras);
    json_object(&j) found |= json_key(&j, name);
    return json_finish(&j, &err) == 0 && found;
}

/* An alias keeps its text beside the member that it filled. */
static bool is_left_out(const struct source *from, const struct context_table *table)
{
    const struct context_field *field = from->field;

    if (field->flags & CONTEXT_ALIAS || is_extra(from->extras, field->name))
        return true;
    return field->given &&
           !(*(const uint32_t *)(const void *)(from->row + table->given) & field->given);
}

static void write_extras(struct json_out *out, struct str extras)
{
    char key[KEY_SIZE];
    struct json j;
    struct err err;

    if (extras.len == 0)
        return;
    json_init(&j, extras);
    json_object(&j)
    {
        struct str value;

        if (!json_key_copy(&j, key, sizeof(key)))
            continue;
        json_read_raw(&j, &value);
        if (!j.failed)
            json_raw(out, key, value);
    }
    (void)!json_finish(&j, &err); /* cannot fail: we wrote it */
}

static void write_members(struct json_out *out, const struct snapshot *s,
                          const struct context_table *table, const void *row)
{
    struct source from = { .s = s, .row = row };

    if (table->extras != CONTEXT_NO_MEMBER)
        from.extras =
            snapshot_text(s, *(const struct snap_text *)(const void *)(from.row + table->extras));
    for (size_t i = 0; i < table->len; i++) {
        from.field = &table->fields[i];
        if (!is_left_out(&from, table))
            writers[from.field->kind](out, &from);
    }
    write_extras(out, from.extras);
}

static void write_object(struct json_out *out, const struct snapshot *s,
                         const struct context_table *table, const void *row)
{
    json_begin(out, NULL, '{');
    write_members(out, s, table, row);
    json_end(out);
}

void context_write_job(struct json_out *out, const struct snapshot *s, const struct snap_job *job)
{
    write_object(out, s, &context_jobs, job);
}

void context_write_worker(struct json_out *out, const struct snapshot *s,
                          const struct snap_worker *worker)
{
    write_object(out, s, &context_workers, worker);
}

/* Where no queue was shown, the one job that was asked about stands for it. */
static void write_queue(struct json_out *out, const struct snapshot *s)
{
    const struct snap_job *job;
    uint32_t row = snapshot_first_listed(s);
    const struct snap_job *asked =
        snapshot_job(s, row) ? NULL : snapshot_job(s, s->header.asked_job);

    json_begin(out, "queue", '[');
    if (asked)
        context_write_job(out, s, asked);
    for (uint32_t i = 0; i < SNAP_JOBS_MAX && (job = snapshot_job(s, row)); i++) {
        context_write_job(out, s, job);
        row = snapshot_next_listed(s, row);
    }
    json_end(out);
}

static void write_tables(struct json_out *out, const struct snapshot *s)
{
    json_begin(out, "pools", '[');
    for (uint32_t row = 0; row < SNAP_POOLS_MAX && row < s->header.pools; row++) {
        if (snapshot_pool(s, row))
            write_object(out, s, &context_pools, &s->pools[row]);
    }
    json_end(out);
    json_begin(out, "workers", '[');
    for (uint32_t row = 0; row < SNAP_WORKERS_MAX && row < s->header.workers; row++) {
        if (snapshot_worker(s, row))
            write_object(out, s, &context_workers, &s->workers[row]);
    }
    json_end(out);
    json_begin(out, "tenants", '[');
    for (uint32_t row = 0; row < SNAP_TENANTS_MAX && row < s->header.tenants; row++) {
        if (snapshot_tenant(s, row))
            write_object(out, s, &context_tenants, &s->tenants[row]);
    }
    json_end(out);
    json_begin(out, "models", '[');
    for (uint32_t row = 0; row < SNAP_MODELS_MAX && row < s->header.models; row++) {
        if (snapshot_model(s, row))
            write_object(out, s, &context_models, &s->models[row]);
    }
    json_end(out);
}

static void write_config(struct json_out *out, const struct snapshot *s)
{
    char name[KEY_SIZE];

    json_begin(out, "config", '{');
    for (uint32_t row = 0; row < SNAP_CONFIG_MAX && row < s->header.configs; row++) {
        const struct snap_config *config = &s->configs[row];

        if (copy_name(name, snapshot_text(s, config->key)))
            json_raw(out, name, snapshot_text(s, config->value));
    }
    json_end(out);
}

void context_write(struct json_out *out, const struct snapshot *s)
{
    struct str extras = snapshot_text(s, s->header.extras);

    json_uint(out, "now_ms", s->header.now_ms);
    json_int(out, "utc_offset_min", s->header.utc_offset_min);
    if (s->header.seed != 0)
        json_int(out, "seed", (int64_t)s->header.seed);
    write_queue(out, s);
    write_tables(out, s);
    if (!is_extra(extras, "metrics")) {
        json_begin(out, "metrics", '{');
        write_members(out, s, &context_metrics, &s->header.metrics);
        json_end(out);
    }
    write_config(out, s);
    write_extras(out, extras);
}
