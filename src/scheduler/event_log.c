#include "scheduler/event_log.h"

#include "scheduler/event_coder.h"

#include <assert.h>
#include <string.h>

/* --- Facts ------------------------------------------------------------------------ */

static void code_spec(struct coder *k, struct job_spec *s)
{
    code_text(k, s->id, sizeof(s->id));
    code_text(k, s->model, sizeof(s->model));
    code_text(k, s->session_id, sizeof(s->session_id));
    code_text(k, s->tenant_id, sizeof(s->tenant_id));
    code_text(k, s->worker_id, sizeof(s->worker_id));
    code_text(k, s->hive_id, sizeof(s->hive_id));
    s->type = code_enum(k, s->type, JOB_TYPE_COUNT_);
    s->priority = code_enum(k, s->priority, JOB_PRIORITY_COUNT_);
    code_u64(k, &s->deadline_ms);
    code_u32(k, &s->prompt_tokens);
    code_u64(k, &s->prompt_hash);
    s->prefix_len = code_len(k, s->prefix_len, PREFIX_BLOCKS_MAX);
    if (coder_reads(k)) {
        s->prefix_hashes = coder_alloc(k, s->prefix_len, sizeof(*s->prefix_hashes));
        s->prefix_len = s->prefix_hashes ? s->prefix_len : 0;
    }
    for (size_t i = 0; i < s->prefix_len; i++)
        code_u64(k, &s->prefix_hashes[i]);
    code_u32(k, &s->slo_ttft_ms);
    code_i64(k, &s->max_tokens);
    code_bool(k, &s->has_seed);
    code_u64(k, &s->seed);
    code_double(k, &s->temperature);
    code_u64(k, &s->bytes);
    code_labels(k, &s->labels);
}

static void code_gpus(struct coder *k, struct worker_facts *w)
{
    w->gpu_ids_len = code_len(k, w->gpu_ids_len, GPUS_MAX);
    for (size_t i = 0; i < w->gpu_ids_len; i++)
        code_u32(k, &w->gpu_ids[i]);
}

static void code_worker(struct coder *k, struct worker_facts *w)
{
    code_text(k, w->id, sizeof(w->id));
    code_text(k, w->hive_id, sizeof(w->hive_id));
    code_text(k, w->model, sizeof(w->model));
    code_text(k, w->address, sizeof(w->address));
    code_bool(k, &w->is_unix);
    code_u16(k, &w->port);
    w->kind = code_enum(k, w->kind, WORKER_KIND_COUNT_);
    w->state = code_enum(k, w->state, WORKER_STATE_COUNT_);
    code_text(k, w->reason, sizeof(w->reason));
    code_u32(k, &w->slots);
    code_u32(k, &w->active);
    code_u32(k, &w->queued);
    code_u32(k, &w->pid);
    code_text(k, w->group, sizeof(w->group));
    code_text(k, w->instance, sizeof(w->instance));
    code_double(k, &w->cpu_pct);
    code_u64(k, &w->rss_mb);
    code_double(k, &w->io_r_mb_s);
    code_double(k, &w->io_w_mb_s);
    code_u64(k, &w->uptime_s);
    code_double(k, &w->gpu_util_pct);
    code_u64(k, &w->vram_mb);
    code_u64(k, &w->total_vram_mb);
    code_gpus(k, w);
    code_bool(k, &w->has_kv_used_pct);
    code_double(k, &w->kv_used_pct);
    code_bool(k, &w->has_tokens_per_s);
    code_double(k, &w->tokens_per_s);
    code_labels(k, &w->labels);
}

static void code_device(struct coder *k, struct device *d)
{
    code_text(k, d->id, sizeof(d->id));
    code_text(k, d->name, sizeof(d->name));
    code_text(k, d->device_type, sizeof(d->device_type));
    code_double(k, &d->vram_gb);
    code_text(k, d->compute_capability, sizeof(d->compute_capability));
}

static void code_capabilities(struct coder *k, struct hive_facts *h)
{
    h->devices_len = code_len(k, h->devices_len, DEVICES_PER_HIVE_MAX);
    h->models_len = code_len(k, h->models_len, MODELS_PER_HIVE_MAX);
    if (coder_reads(k)) {
        h->devices = coder_alloc(k, h->devices_len, sizeof(*h->devices));
        h->models = coder_alloc(k, h->models_len, sizeof(*h->models));
    }
    for (size_t i = 0; i < h->devices_len && !k->is_broken; i++)
        code_device(k, &h->devices[i]);
    for (size_t i = 0; i < h->models_len && !k->is_broken; i++) {
        code_text(k, h->models[i].ref, sizeof(h->models[i].ref));
        code_u64(k, &h->models[i].size_bytes);
        code_u64(k, &h->models[i].context_length);
    }
}

static void code_hive(struct coder *k, struct hive_facts *h)
{
    code_text(k, h->id, sizeof(h->id));
    code_text(k, h->hostname, sizeof(h->hostname));
    code_text(k, h->address, sizeof(h->address));
    code_u16(k, &h->port);
    h->status = code_enum(k, h->status, HIVE_STATUS_COUNT_);
    h->health = code_enum(k, h->health, HIVE_HEALTH_COUNT_);
    code_text(k, h->health_reason, sizeof(h->health_reason));
    code_text(k, h->version, sizeof(h->version));
    code_labels(k, &h->labels);
    code_u64(k, &h->ram_mb);
    code_u64(k, &h->ram_free_mb);
    code_bool(k, &h->has_capabilities);
    code_capabilities(k, h);
}

/* --- Events --------------------------------------------------------------------------- */

/* `e` is a copy while it is written: what it points to is copied before a walk over it. */

static void code_nothing(struct coder *k, struct logged_event *e)
{
    (void)k;
    (void)e;
}

static void code_arrived(struct coder *k, struct logged_event *e)
{
    if (!coder_reads(k))
        e->spec = *e->event.u.arrived;
    code_spec(k, &e->spec);
    e->event.u.arrived = &e->spec;
}

static void code_cancelled(struct coder *k, struct logged_event *e)
{
    code_view(k, &e->event.u.cancelled.job_id, JOB_ID_SIZE);
}

static void code_run(struct coder *k, struct logged_event *e)
{
    uint32_t attempt = e->event.u.run.attempt;

    code_view(k, &e->event.u.run.job_id, JOB_ID_SIZE);
    code_u32(k, &attempt);
    e->event.u.run.attempt = attempt;
    e->event.u.run.failure = code_enum(k, e->event.u.run.failure, RUN_BROKEN + 1);
    code_err(k, &e->event.u.run.err);
    code_u64(k, &e->event.u.run.tokens_in);
    code_u64(k, &e->event.u.run.tokens_out);
    code_u64(k, &e->event.u.run.cached_tokens);
}

static void code_workers(struct coder *k, struct logged_event *e, size_t len)
{
    struct worker_facts *read = NULL;

    len = code_len(k, len, WORKERS_PER_HIVE_MAX);
    if (coder_reads(k))
        read = coder_alloc(k, len, sizeof(*read));
    for (size_t i = 0; i < len && !k->is_broken; i++) {
        if (read) {
            code_worker(k, &read[i]);
        } else {
            struct worker_facts copy = e->event.u.report.workers[i];

            code_worker(k, &copy);
        }
    }
    if (!coder_reads(k))
        return;
    e->event.u.report.workers = read;
    e->event.u.report.workers_len = len;
}

static void code_hive_report(struct coder *k, struct logged_event *e)
{
    if (!coder_reads(k))
        e->hive = *e->event.u.report.hive;
    code_hive(k, &e->hive);
    e->event.u.report.hive = &e->hive;
    code_workers(k, e, e->event.u.report.workers_len);
}

static void code_worker_report(struct coder *k, struct logged_event *e)
{
    code_workers(k, e, 1);
    if (e->event.u.report.workers_len == 0 && coder_reads(k))
        k->is_broken = true;
}

static void code_reachable(struct coder *k, struct logged_event *e)
{
    code_view(k, &e->event.u.reach.worker_id, WORKER_ID_SIZE);
    code_bool(k, &e->event.u.reach.reachable);
}

static void code_known(struct coder *k, struct logged_event *e)
{
    code_view(k, &e->event.u.known.model, MODEL_REF_SIZE);
}

static void code_policy(struct coder *k, struct logged_event *e)
{
    uint32_t hooks = e->event.u.policy.hooks;

    code_view(k, &e->event.u.policy.name, POLICY_TEXT_SIZE);
    code_view(k, &e->event.u.policy.version, POLICY_TEXT_SIZE);
    e->event.u.policy.entry = code_enum(k, e->event.u.policy.entry, POLICY_ENTRY_JOB + 1);
    code_u32(k, &hooks);
    e->event.u.policy.hooks = hooks;
    code_bool(k, &e->event.u.policy.starts_workers);
}

static void code_policy_state(struct coder *k, struct logged_event *e)
{
    e->event.u.policy_state.unavailable =
        code_enum(k, e->event.u.policy_state.unavailable, POLICY_FAILURE_COUNT_);
    code_view(k, &e->event.u.policy_state.message, POLICY_TEXT_SIZE);
}

static void code_decisions(struct coder *k, struct logged_event *e)
{
    const struct decisions *given = e->event.u.answer.decisions;
    bool is_there = given != NULL;
    size_t len = is_there ? given->len : 0;
    struct decisions *read = NULL;

    if (len > DECISIONS_MAX)
        len = DECISIONS_MAX + 1; /* too many: what they are matters no more */
    code_bool(k, &is_there);
    len = code_len(k, len, DECISIONS_MAX + 1);
    if (coder_reads(k) && is_there)
        e->event.u.answer.decisions = read = coder_alloc(k, 1, sizeof(*read));
    if (read)
        read->len = len;
    for (size_t i = 0; i < len && len <= DECISIONS_MAX && (read || given); i++) {
        struct decision copy = { .action = DECIDE_WAIT };

        if (given && !read)
            copy = given->items[i];
        code_decision(k, &copy);
        if (read)
            read->items[i] = copy;
    }
}

static void code_answer(struct coder *k, struct logged_event *e)
{
    code_u64(k, &e->event.u.answer.ask);
    code_decisions(k, e);
    code_bool(k, &e->event.u.answer.yes);
    code_u32(k, &e->event.u.answer.delay_ms);
    e->event.u.answer.failure = code_enum(k, e->event.u.answer.failure, POLICY_FAILURE_COUNT_);
    code_view(k, &e->event.u.answer.message, POLICY_TEXT_SIZE);
}

static void code_ended(struct coder *k, struct logged_event *e)
{
    code_u64(k, &e->event.u.ended.number);
    code_bool(k, &e->event.u.ended.failed);
    code_view(k, &e->event.u.ended.worker_id, WORKER_ID_SIZE);
    code_err(k, &e->event.u.ended.err);
}

static void code_event(struct coder *k, struct logged_event *e)
{
    /* clang-format off */
    static void (*const coders[])(struct coder *k, struct logged_event *e) = {
        [CORE_TICK]             = code_nothing,
        [CORE_JOB_ARRIVED]      = code_arrived,
        [CORE_JOB_CANCELLED]    = code_cancelled,
        [CORE_RUN_STARTED]      = code_run,
        [CORE_RUN_FINISHED]     = code_run,
        [CORE_RUN_FAILED]       = code_run,
        [CORE_HIVE_REPORT]      = code_hive_report,
        [CORE_WORKER_REPORT]    = code_worker_report,
        [CORE_WORKER_STATIC]    = code_worker_report,
        [CORE_WORKER_REACHABLE] = code_reachable,
        [CORE_MODEL_KNOWN]      = code_known,
        [CORE_POLICY]           = code_policy,
        [CORE_POLICY_STATE]     = code_policy_state,
        [CORE_POLICY_ANSWER]    = code_answer,
        [CORE_POLICY_FAILED]    = code_answer,
        [CORE_START_ENDED]      = code_ended,
        [CORE_EVICT_ENDED]      = code_ended,
        [CORE_STOPPING]         = code_nothing,
    };
    /* clang-format on */
    static_assert(sizeof(coders) / sizeof(coders[0]) == CORE_EVENT_KIND_COUNT_,
                  "an event has no coder");

    e->event.kind = code_enum(k, e->event.kind, CORE_EVENT_KIND_COUNT_);
    code_u64(k, &e->event.now_ms);
    coders[e->event.kind](k, e);
}

void event_log_begin(struct buf *log)
{
    (void)buf_puts(log, EVENT_LOG_MAGIC);
}

void event_log_add(struct buf *log, const struct core_event *event)
{
    struct coder k = { .out = log };
    struct logged_event copy = { .event = *event };

    code_event(&k, &copy);
}

/* --- Reading ------------------------------------------------------------------------- */

void logged_event_init(struct logged_event *e)
{
    *e = (struct logged_event){ .event = { .kind = CORE_TICK } };
    arena_init(&e->arena, EVENT_BYTES_MAX);
}

void logged_event_deinit(struct logged_event *e)
{
    arena_deinit(&e->arena);
}

int event_log_open(struct str *log, struct err *err)
{
    const size_t len = sizeof(EVENT_LOG_MAGIC) - 1;

    if (!str_starts(*log, EVENT_LOG_MAGIC))
        return err_set(err, ERR_INVALID, "This is no event log that this version could read.");
    *log = (struct str){ log->p + len, log->len - len };
    return 0;
}

int event_log_next(struct str *log, struct logged_event *e, struct err *err)
{
    struct coder k = { .in = *log, .arena = &e->arena };

    logged_event_deinit(e);
    logged_event_init(e);
    code_event(&k, e);
    if (k.is_broken)
        return err_set(err, ERR_INVALID,
                       "The event log is cut off or damaged %zu bytes before its "
                       "end.",
                       log->len);
    *log = k.in;
    return 0;
}
