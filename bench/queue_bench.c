/*
 * What one operation on the queue costs, by how many jobs wait: `queue_bench [--json]`.
 *
 * Jobs have random deadlines, prompts and tenants; every tenth is pinned to another worker.
 * An operation is timed many times in a row, on a queue that stays as long as it was:
 *
 *     add + remove   of a random job
 *     next           the first for a worker
 *     next x 8       a walk past eight jobs that will not go
 *     serve          next, charge, take, and another one is added
 *     position       of a random job
 *     first 1024     of the whole order, as a policy's window shows it
 */
#include "base/clock.h"
#include "base/mem.h"
#include "base/random.h"
#include "jobs/queue.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { WINDOW = 1024, WALK = 8, MEASURE_MS = 100, BATCH = 64, MODELS = 4 };

struct bench {
    struct fairness *fairness;
    struct job_queue *queue;
    struct job **jobs;
    size_t jobs_len, tenants;
    struct rng rng;
    uint64_t seq;
    const struct job **first;
};

static struct job *new_job(struct bench *b)
{
    struct job_spec spec = { .priority = rng_below(&b->rng, 4) == 0 ? JOB_BATCH : JOB_INTERACTIVE,
                             .prompt_tokens = 1 + (uint32_t)rng_below(&b->rng, 4000),
                             .deadline_ms = 1 + rng_below(&b->rng, 600000) };

    (void)snprintf(spec.model, sizeof(spec.model), "m%u", (unsigned)rng_below(&b->rng, MODELS));
    (void)snprintf(spec.tenant_id, sizeof(spec.tenant_id), "t%zu",
                   (size_t)rng_below(&b->rng, b->tenants));
    if (rng_below(&b->rng, 10) == 0)
        (void)snprintf(spec.worker_id, sizeof(spec.worker_id), "busy");
    return job_new(&spec, b->seq++, 0);
}

static struct bench *bench_new(size_t jobs, size_t tenants)
{
    struct bench *b = mem_alloc(1, sizeof(*b));
    struct fairness_options fairness;
    struct job_queue_options options;

    fairness_options_init(&fairness);
    job_queue_options_init(&options);
    b->fairness = fairness_new(&fairness);
    b->queue = job_queue_new(&options, b->fairness);
    b->jobs = mem_alloc(jobs, sizeof(struct job *));
    b->first = mem_alloc(WINDOW, sizeof(struct job *));
    b->jobs_len = jobs;
    b->tenants = tenants;
    rng_seed(&b->rng, 1);
    for (size_t i = 0; i < jobs; i++)
        job_queue_add(b->queue, b->jobs[i] = new_job(b));
    return b;
}

static void bench_free(struct bench *b)
{
    for (size_t i = 0; i < b->jobs_len; i++) {
        job_queue_remove(b->queue, b->jobs[i]);
        job_free(b->jobs[i]);
    }
    job_queue_free(b->queue);
    fairness_free(b->fairness);
    free(b->jobs);
    free((void *)b->first);
    free(b);
}

/* --- The operations ------------------------------------------------------------------------ */

static struct job *any(struct bench *b)
{
    return b->jobs[rng_below(&b->rng, b->jobs_len)];
}

static struct worker_facts worker(struct bench *b)
{
    struct worker_facts w = { .id = "w", .slots = 1 };

    (void)snprintf(w.model, sizeof(w.model), "m%u", (unsigned)rng_below(&b->rng, MODELS));
    return w;
}

static void add_and_remove(struct bench *b)
{
    struct job *job = any(b);

    job_queue_remove(b->queue, job);
    job_queue_add(b->queue, job);
}

static void next(struct bench *b)
{
    struct worker_facts w = worker(b);

    (void)job_queue_next(b->queue, &w, NULL);
}

static void walk(struct bench *b)
{
    struct worker_facts w = worker(b);
    const struct job *job = NULL;

    for (int i = 0; i < WALK && (i == 0 || job); i++)
        job = job_queue_next(b->queue, &w, job);
}

static void serve(struct bench *b)
{
    struct worker_facts w = worker(b);
    struct job *job = job_queue_next(b->queue, &w, NULL);

    if (!job)
        return;
    fairness_charge(b->fairness, job->spec.tenant_id, job->spec.model, job->spec.prompt_tokens,
                    200);
    job_queue_take(b->queue, job);
    job->seq = b->seq++; /* another one like it */
    job_queue_add(b->queue, job);
}

static void position(struct bench *b)
{
    (void)job_queue_position(b->queue, any(b));
}

static void first(struct bench *b)
{
    (void)job_queue_first(b->queue, b->first, WINDOW);
}

static const struct operation {
    const char *name;
    void (*run)(struct bench *b);
} operations[] = {
    { "add + remove", add_and_remove },
    { "next", next },
    { "next x 8", walk },
    { "serve", serve },
    { "position", position },
    { "first 1024", first },
};

/* --- Time ------------------------------------------------------------------------------------ */

static double ns_per_run(struct bench *b, const struct operation *op)
{
    uint64_t begin_us = clock_mono_us(), spent_us = 0, runs = 0;

    while (spent_us < MEASURE_MS * 1000ULL) {
        for (int i = 0; i < BATCH; i++)
            op->run(b);
        runs += BATCH;
        spent_us = clock_mono_us() - begin_us;
    }
    return (double)spent_us * 1000 / (double)runs;
}

static void measure(size_t jobs, size_t tenants, bool is_json)
{
    struct bench *b = bench_new(jobs, tenants);

    for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++) {
        double ns = ns_per_run(b, &operations[i]);

        printf(is_json ? "{\"jobs\":%zu,\"tenants\":%zu,\"operation\":\"%s\",\"ns\":%.0f}\n"
                       : "%8zu %8zu  %-14s %12.0f\n",
               jobs, tenants, operations[i].name, ns);
    }
    bench_free(b);
}

int main(int argc, char **argv)
{
    static const size_t tenants[] = { 1, 100, 10000 };
    bool is_json = argc > 1 && strcmp(argv[1], "--json") == 0;

    if (!is_json)
        printf("%8s %8s  %-14s %12s\n", "jobs", "tenants", "operation", "ns");
    for (size_t jobs = 100; jobs <= 100000; jobs *= 10) {
        for (size_t i = 0; i < sizeof(tenants) / sizeof(tenants[0]); i++) {
            if (tenants[i] <= jobs)
                measure(jobs, tenants[i], is_json);
        }
    }
    return 0;
}
