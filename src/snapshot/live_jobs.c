/* Rows of jobs and of the tenants that they belong to. */
#include "snapshot/live_private.h"

#include "snapshot/reserved.h"

void live_reset_jobs(struct live *l)
{
    memset(l->chains, 0xff, sizeof(l->chains)); /* SNAP_NONE */
    memset(l->guests, 0xff, sizeof(l->guests));
    l->free_jobs_len = l->free_tenants_len = 0;
    for (uint32_t row = SNAP_JOBS_MAX; row-- > 0;) {
        l->job_rows[row].is_used = false;
        l->free_jobs[l->free_jobs_len++] = row;
    }
    map_deinit(&l->tenants);
    map_init(&l->tenants);
    for (uint32_t row = SNAP_TENANTS_MAX; row-- > 0;) {
        l->tenant_uses[row] = 0;
        l->free_tenants[l->free_tenants_len++] = row;
    }
    for (int type = 0; type < JOB_TYPE_COUNT_; type++) {
        l->type_texts[type] = (struct snap_text){ 0, 0 };
        live_text_set(&l->texts, &l->type_texts[type], str_of(job_type_name(type)));
    }
}

/* --- Tenants ------------------------------------------------------------------------ */

static void renew_tenant(struct live *l, uint32_t row, const char *id)
{
    struct snap_tenant tenant = rows(l)->tenants[row];

    tenant.concurrent = core_jobs_of_tenant(l->core, id);
    tenant.service = core_tenant_service(l->core, id);
    rows_put_tenant(l->region, row, &tenant);
}

/* As many rows as there are jobs' rows, so there is always one. */
static uint32_t use_tenant(struct live *l, const char *id)
{
    const void *found = *id ? map_get(&l->tenants, str_of(id)) : NULL;
    uint32_t row = found ? (uint32_t)(uintptr_t)found - 1 : SNAP_NONE;

    if (*id == '\0')
        return SNAP_NONE;
    if (row == SNAP_NONE) {
        struct snap_tenant tenant;

        row = l->free_tenants[--l->free_tenants_len];
        memset(&tenant, 0, sizeof(tenant));
        tenant.generation = ++l->tenant_generations[row];
        tenant.weight = 1;
        live_text_set(&l->texts, &tenant.id, str_of(id));
        rows_put_tenant(l->region, row, &tenant);
        live_note_use(l, &l->header.tenants, row);
        (void)map_put(&l->tenants, str_of(id), (void *)(uintptr_t)(row + 1));
    }
    l->tenant_uses[row]++;
    return row;
}

static void drop_tenant(struct live *l, uint32_t row)
{
    struct snap_tenant tenant;

    if (row == SNAP_NONE || --l->tenant_uses[row] > 0)
        return;
    tenant = rows(l)->tenants[row];
    (void)map_remove(&l->tenants, snapshot_text(rows(l), tenant.id));
    live_text_clear(&l->texts, &tenant.id);
    memset(&tenant, 0, sizeof(tenant));
    rows_put_tenant(l->region, row, &tenant);
    l->free_tenants[l->free_tenants_len++] = row;
}

/* --- Rows come and go ------------------------------------------------------------------ */

static uint32_t *chain_of(struct live *l, uint64_t seq)
{
    return &l->chains[seq % LIVE_JOB_CHAINS];
}

static uint32_t find_row(struct live *l, uint64_t seq)
{
    uint32_t row = *chain_of(l, seq);

    while (row != SNAP_NONE && l->job_rows[row].seq != seq)
        row = l->job_rows[row].next_in_chain;
    return row;
}

static void unchain(struct live *l, uint32_t row)
{
    uint32_t *link = chain_of(l, l->job_rows[row].seq);

    while (*link != row)
        link = &l->job_rows[*link].next_in_chain;
    *link = l->job_rows[row].next_in_chain;
}

static void chain(struct live *l, uint32_t row, uint64_t seq)
{
    struct job_row *it = &l->job_rows[row];

    it->seq = seq;
    it->is_used = true;
    it->generation++;
    it->next_in_chain = *chain_of(l, seq);
    *chain_of(l, seq) = row;
}

static void drop_row(struct live *l, uint32_t row)
{
    struct snap_job job = rows(l)->jobs[row];
    struct snap_text *const own[] = {
        &job.id,        &job.tenant_id,        &job.session_id,     &job.session_worker_id,
        &job.model_ref, &job.pinned_worker_id, &job.pinned_pool_id, &job.labels,
    };

    unchain(l, row);
    l->job_rows[row].is_used = false;
    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
        live_text_clear(&l->texts, own[i]);
    drop_tenant(l, job.tenant);
    memset(&job, 0, sizeof(job));
    rows_put_job(l->region, row, &job);
    l->free_jobs[l->free_jobs_len++] = row;
}

/* Those that this sync did not see. */
static void drop_unseen(struct live *l)
{
    for (uint32_t row = 0; row < l->header.jobs; row++) {
        if (l->job_rows[row].is_used && l->job_rows[row].pass != l->pass)
            drop_row(l, row);
    }
}

static uint32_t take_row(struct live *l, uint64_t seq)
{
    if (l->free_jobs_len == 0)
        drop_unseen(l); /* a window and its guests at most are seen */
    uint32_t row = l->free_jobs[--l->free_jobs_len];

    chain(l, row, seq);
    live_note_use(l, &l->header.jobs, row);
    return row;
}

/* A job that is asked about and goes leaves its row to the next one, which says much the same.
 * Rows that this sync has seen stay whose they are. */
static uint32_t take_guest_row(struct live *l, uint64_t seq)
{
    uint32_t *guest = l->guests_seen < LIVE_GUESTS ? &l->guests[l->guests_seen++] : NULL;

    if (!guest || *guest == SNAP_NONE || !l->job_rows[*guest].is_used ||
        l->job_rows[*guest].pass == l->pass) {
        uint32_t row = take_row(l, seq);
        if (guest)
            *guest = row;
        return row;
    }
    unchain(l, *guest);
    chain(l, *guest, seq);
    return *guest;
}

/* --- One row -------------------------------------------------------------------------------- */

static void set_text(struct live *l, struct snap_text *text, const char *value)
{
    live_text_set(&l->texts, text, str_of(value));
}

/* The tenant of a row that was another job's, and may stay. */
static uint32_t renew_use(struct live *l, uint32_t row, const char *id)
{
    const struct snap_tenant *tenant = snapshot_tenant(rows(l), row);

    if (tenant && str_eq(snapshot_text(rows(l), tenant->id), id))
        return row;
    if (tenant)
        drop_tenant(l, row);
    return use_tenant(l, id);
}

/* Of a row that is empty, or was another job's, who may have the same model and tenant. */
static struct snap_job begin_job(const struct snap_job *old)
{
    struct snap_job it;

    memset(&it, 0, sizeof(it));
    it.model = SNAP_NONE;
    it.tenant = SNAP_NONE;
    if (old->generation == 0)
        return it;
    it.model = old->model;
    it.tenant = old->tenant;
    it.id = old->id;
    it.tenant_id = old->tenant_id;
    it.session_id = old->session_id;
    it.session_worker_id = old->session_worker_id;
    it.model_ref = old->model_ref;
    it.pinned_worker_id = old->pinned_worker_id;
    it.pinned_pool_id = old->pinned_pool_id;
    it.labels = old->labels;
    return it;
}

/* What a request said stays as it is. */
static struct snap_job new_job(struct live *l, uint32_t row, const struct job *job)
{
    const struct job_spec *spec = &job->spec;
    struct snap_job it = begin_job(&rows(l)->jobs[row]);

    it.generation = l->job_rows[row].generation;
    it.tenant = renew_use(l, it.tenant, spec->tenant_id);
    it.given = (spec->has_seed ? SNAP_HAS_SEED : 0) | (*spec->tenant_id ? SNAP_HAS_TENANT : 0) |
               (*spec->session_id ? SNAP_HAS_SESSION : 0) |
               (spec->slo_ttft_ms > 0 ? SNAP_HAS_SLO : 0) |
               (spec->deadline_ms > 0 ? SNAP_HAS_DEADLINE : 0);
    it.is_batch = spec->priority == JOB_BATCH;
    it.prompt_tokens = spec->prompt_tokens;
    it.slo_ttft_ms = spec->slo_ttft_ms;
    it.max_tokens = spec->max_tokens;
    it.prompt_hash = spec->prompt_hash;
    it.seed = spec->seed;
    it.bytes = spec->bytes;
    it.temperature = spec->temperature;
    it.created_at_ms = live_wall_ms(l, job->arrived_ms);
    it.deadline_at_ms = (int64_t)live_wall_ms(l, spec->deadline_ms);
    set_text(l, &it.id, spec->id);
    set_text(l, &it.tenant_id, spec->tenant_id);
    set_text(l, &it.session_id, spec->session_id);
    set_text(l, &it.model_ref, spec->model);
    set_text(l, &it.pinned_worker_id, spec->worker_id);
    set_text(l, &it.pinned_pool_id, spec->hive_id);
    live_text_set(&l->texts, &it.labels, live_map_text(l, &spec->labels, LIVE_JOB_LABELS_MAX));
    reserved_job(rows(l), &it);
    if (it.type.len == 0)
        it.type = l->type_texts[spec->type];
    return it;
}

static void set_tried(struct live *l, struct snap_job *it, const struct job *job)
{
    memset(it->tried, 0, sizeof(it->tried));
    it->tried_len = 0;
    for (size_t i = 0; i < job->tried_len && it->tried_len < SNAP_TRIED_MAX; i++) {
        const struct worker *w = registry_worker(live_registry(l), job->tried[i]);

        if (!w || w->slot >= SNAP_WORKERS_MAX)
            continue;
        it->tried[it->tried_len].worker = w->slot;
        it->tried[it->tried_len++].generation = w->generation;
    }
}

static void set_warm(struct live *l, struct snap_job *it, const struct job *job)
{
    struct warm_worker warm[SNAP_WARM_MAX];
    size_t len = core_warm_workers(l->core, job, warm, SNAP_WARM_MAX);

    memset(it->warm, 0, sizeof(it->warm));
    it->warm_len = 0;
    for (size_t i = 0; i < len; i++) {
        if (warm[i].worker->slot < SNAP_WORKERS_MAX)
            it->warm[it->warm_len++] = (struct snap_warm){ .worker = warm[i].worker->slot,
                                                           .generation = warm[i].worker->generation,
                                                           .cached_tokens = warm[i].cached_tokens };
    }
}

static uint32_t model_of(const struct live *l, const struct snap_job *it, const struct job *job)
{
    const struct snap_model *model = snapshot_model(rows(l), it->model);

    if (model && str_eq(snapshot_text(rows(l), model->ref), job->spec.model))
        return it->model;
    return live_model_row(l, job->spec.model);
}

/* What changes while it waits. */
static void set_state(struct live *l, struct snap_job *it, const struct job *job)
{
    const struct worker *session = core_session_worker(l->core, job);

    it->model = model_of(l, it, job);
    it->retry_count = job->attempt;
    if (job->tried_len > 0 || it->tried_len > 0)
        set_tried(l, it, job);
    set_text(l, &it->session_worker_id, session ? session->facts.id : "");
}

static uint32_t put_job(struct live *l, const struct job *job, uint32_t next, bool is_fresh,
                        uint32_t (*take)(struct live *l, uint64_t seq))
{
    uint32_t row = find_row(l, job->seq);
    bool is_new = row == SNAP_NONE;

    if (is_new)
        row = take(l, job->seq);
    l->job_rows[row].pass = l->pass;

    struct snap_job it = is_new ? new_job(l, row, job) : rows(l)->jobs[row];
    set_state(l, &it, job);
    if (is_new || is_fresh)
        set_warm(l, &it, job);
    it.next = next;
    rows_put_job(l->region, row, &it);
    return row;
}

/* --- A sync ----------------------------------------------------------------------------------- */

uint32_t live_sync_job(struct live *l, const struct job *job)
{
    uint32_t row = put_job(l, job, SNAP_NONE, true, take_guest_row);
    struct snap_job it = rows(l)->jobs[row];

    it.given |= SNAP_HAS_BEFORE;
    it.before = (uint32_t)job_queue_position(core_queue(l->core), job) - 1;
    rows_put_job(l->region, row, &it);
    if (it.model != SNAP_NONE)
        live_count_model(l, it.model);
    if (it.tenant != SNAP_NONE)
        renew_tenant(l, it.tenant, job->spec.tenant_id);
    return row;
}

static bool count_model(void *data, const char *model, const struct job *first)
{
    struct live *l = data;
    uint32_t row = live_model_row(l, model);
    (void)first;

    if (row != SNAP_NONE)
        (void)row_set_add(&l->counted, row);
    return true;
}

/* Anew: those that are waited for, and those that were. */
static void count_models(struct live *l)
{
    struct row_set *set = &l->counted;
    size_t len;

    job_queue_models(core_queue(l->core), count_model, l);
    len = set->len;
    set->len = 0;
    for (size_t i = 0; i < len; i++) {
        uint32_t row = set->rows[i];

        set->is_in[row] = 0;
        live_count_model(l, row); /* may put it back, at or before its place */
    }
}

static void renew_tenants(struct live *l)
{
    char id[TENANT_ID_SIZE];

    for (uint32_t row = 0; row < l->header.tenants; row++) {
        if (l->tenant_uses[row] > 0 &&
            str_copy(id, sizeof(id), snapshot_text(rows(l), rows(l)->tenants[row].id)))
            renew_tenant(l, row, id);
    }
}

/* From the last one to the first, so that each knows the row behind it. */
void live_sync_window(struct live *l)
{
    size_t len = job_queue_first(core_queue(l->core), l->window, SNAP_WINDOW);
    uint32_t next = SNAP_NONE;

    for (size_t i = len; i-- > 0;)
        next = put_job(l, l->window[i], next, i < LIVE_WARM_FRESH, take_row);
    l->header.first_job = next;
    l->header.jobs_shown = (uint32_t)len;
    drop_unseen(l);
    count_models(l);
    renew_tenants(l);
}
