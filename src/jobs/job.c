#include "jobs/job.h"

#include "base/mem.h"

#include <assert.h>
#include <stdio.h>

#define TO(state) (1U << (state))

/* The whole life of a job: where each state may go, and its name on the wire. */
/* clang-format off */
static const struct {
    const char *name;
    unsigned next;
} states[] = {
    [JOB_QUEUED]     = { "queued",     TO(JOB_DISPATCHED) | TO(JOB_FAILED) | TO(JOB_CANCELLED) },
    [JOB_DISPATCHED] = { "dispatched", TO(JOB_STREAMING) | TO(JOB_QUEUED) | TO(JOB_FAILED) | TO(JOB_CANCELLED) },
    [JOB_STREAMING]  = { "streaming",  TO(JOB_DONE) | TO(JOB_FAILED) | TO(JOB_CANCELLED) },
    [JOB_DONE]       = { "done",       0 },
    [JOB_FAILED]     = { "failed",     0 },
    [JOB_CANCELLED]  = { "cancelled",  0 },
};
/* clang-format on */
static_assert(sizeof(states) / sizeof(states[0]) == JOB_STATE_COUNT_, "a job state has no row");

static const char *const priorities[] = {
    [JOB_INTERACTIVE] = "interactive",
    [JOB_BATCH] = "batch",
};
static_assert(sizeof(priorities) / sizeof(priorities[0]) == JOB_PRIORITY_COUNT_,
              "a priority has no name");

static const char *const types[] = {
    [JOB_TEXT_GEN] = "text-gen",
    [JOB_EMBEDDINGS] = "embeddings",
};
static_assert(sizeof(types) / sizeof(types[0]) == JOB_TYPE_COUNT_, "a job type has no name");

const char *job_state_name(enum job_state state)
{
    assert(state < JOB_STATE_COUNT_);
    return states[state].name;
}

bool job_state_is_final(enum job_state state)
{
    assert(state < JOB_STATE_COUNT_);
    return states[state].next == 0;
}

const char *job_priority_name(enum job_priority priority)
{
    assert(priority < JOB_PRIORITY_COUNT_);
    return priorities[priority];
}

bool job_priority_parse(struct str name, enum job_priority *ret)
{
    for (size_t i = 0; i < JOB_PRIORITY_COUNT_; i++) {
        if (!str_eq(name, priorities[i]))
            continue;
        *ret = (enum job_priority)i;
        return true;
    }
    return false;
}

const char *job_type_name(enum job_type type)
{
    assert(type < JOB_TYPE_COUNT_);
    return types[type];
}

/* `own`: what `dst` has so far, used again or freed. */
static void copy_prefixes(struct job_spec *dst, uint64_t *own, const struct job_spec *src)
{
    size_t bytes = src->prefix_len * sizeof(*own);

    assert(src->prefix_len <= PREFIX_BLOCKS_MAX);
    dst->prefix_hashes = NULL;
    if (bytes == 0) {
        free(own);
        return;
    }
    dst->prefix_hashes = mem_resize(own, bytes);
    memcpy(dst->prefix_hashes, src->prefix_hashes, bytes);
}

void job_spec_copy(struct job_spec *dst, const struct job_spec *src)
{
    struct labels labels = dst->labels;
    uint64_t *prefix_hashes = dst->prefix_hashes;

    if (dst == src)
        return;
    *dst = *src;
    dst->labels = labels;
    labels_copy(&dst->labels, &src->labels);
    copy_prefixes(dst, prefix_hashes, src);
}

void job_spec_free(struct job_spec *spec)
{
    labels_free(&spec->labels);
    free(spec->prefix_hashes);
    spec->prefix_hashes = NULL;
    spec->prefix_len = 0;
}

struct job *job_new(const struct job_spec *spec, uint64_t seq, uint64_t now_ms)
{
    struct job *job = mem_alloc(1, sizeof(*job));

    job_spec_copy(&job->spec, spec);
    job->state = JOB_QUEUED;
    job->seq = seq;
    job->arrived_ms = job->entered_ms = now_ms;
    list_init(&job->in_entries);
    list_init(&job->in_aging);
    list_init(&job->in_run);
    return job;
}

void job_free(struct job *job)
{
    if (!job)
        return;
    assert(!job->lane && job->heap_index == 0);
    job_spec_free(&job->spec);
    free(job->tried);
    free(job);
}

void job_enter(struct job *job, enum job_state next, uint64_t now_ms)
{
    assert(next < JOB_STATE_COUNT_);
    if (!(states[job->state].next & TO(next))) {
        (void)fprintf(stderr, "%s: %s -> %s is not a transition\n", job->spec.id,
                      states[job->state].name, states[next].name);
        abort();
    }
    if (next == JOB_DISPATCHED)
        job->attempt++;
    job->state = next;
    job->entered_ms = now_ms;
}

void job_tried_on(struct job *job, const char *worker_id)
{
    assert(job->tried_len < JOB_ATTEMPTS_MAX);
    if (!job->tried)
        job->tried = mem_alloc(JOB_ATTEMPTS_MAX, sizeof(*job->tried));
    (void)snprintf(job->tried[job->tried_len++], WORKER_ID_SIZE, "%s", worker_id);
}

bool job_was_tried_on(const struct job *job, const char *worker_id)
{
    for (size_t i = 0; i < job->tried_len; i++) {
        if (strcmp(job->tried[i], worker_id) == 0)
            return true;
    }
    return false;
}

bool job_fits(const struct job *job, const struct worker_facts *worker)
{
    const struct job_spec *spec = &job->spec;

    return strcmp(spec->model, worker->model) == 0 &&
           (!*spec->worker_id || strcmp(spec->worker_id, worker->id) == 0) &&
           (!*spec->hive_id || strcmp(spec->hive_id, worker->hive_id) == 0) &&
           !job_was_tried_on(job, worker->id);
}
