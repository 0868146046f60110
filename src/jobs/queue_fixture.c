#include "jobs/queue_fixture.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

struct fixture *fixture_new(const struct job_queue_options *options)
{
    struct fixture *f = mem_alloc(1, sizeof(*f));
    struct job_queue_options defaults;
    struct fairness_options fairness;

    fairness_options_init(&fairness);
    job_queue_options_init(&defaults);
    f->fairness = fairness_new(&fairness);
    f->queue = job_queue_new(options ? options : &defaults, f->fairness);
    f->now_ms = 1000;
    return f;
}

void fixture_free(struct fixture *f)
{
    const struct job_queue_stats *stats = job_queue_stats(f->queue);

    for (size_t i = 0; i < f->jobs_len; i++) {
        if (f->jobs[i]->lane)
            job_queue_remove(f->queue, f->jobs[i]);
        job_free(f->jobs[i]);
    }
    assert_int_equal(stats->count, 0);
    assert_int_equal(stats->bytes, 0);
    assert_int_equal(stats->prompt_tokens, 0);
    assert_null(job_queue_oldest(f->queue));
    job_queue_free(f->queue);
    fairness_free(f->fairness);
    free(f);
}

int fixture_setup(void **state)
{
    *state = fixture_new(NULL);
    return 0;
}

int fixture_teardown(void **state)
{
    fixture_free(*state);
    return 0;
}

struct job *fixture_make(struct fixture *f, const struct job_spec *spec)
{
    assert_true(f->jobs_len < FIXTURE_JOBS_MAX);

    struct job *job = job_new(spec, f->jobs_len, f->now_ms);
    (void)snprintf(job->spec.id, sizeof(job->spec.id), "job-%zu", f->jobs_len);
    if (!*job->spec.model)
        (void)snprintf(job->spec.model, sizeof(job->spec.model), "m");
    f->jobs[f->jobs_len++] = job;
    return job;
}

struct job *fixture_add(struct fixture *f, const struct job_spec *spec)
{
    struct job *job = fixture_make(f, spec);

    job_queue_add(f->queue, job);
    return job;
}

struct worker_facts fixture_worker(const char *id, const char *hive_id, const char *model)
{
    struct worker_facts w = { .slots = 1 };

    (void)snprintf(w.id, sizeof(w.id), "%s", id);
    (void)snprintf(w.hive_id, sizeof(w.hive_id), "%s", hive_id);
    (void)snprintf(w.model, sizeof(w.model), "%s", model);
    return w;
}

static void append(char *text, size_t size, const struct job *job)
{
    size_t len = strlen(text);

    (void)snprintf(text + len, size - len, "%llu ", (unsigned long long)job->seq);
}

const char *fixture_walk(struct fixture *f, const struct worker_facts *worker)
{
    static char text[4096];
    const struct job *job = NULL;

    text[0] = '\0';
    while ((job = job_queue_next(f->queue, worker, job)))
        append(text, sizeof(text), job);
    return text;
}

const char *fixture_serve(struct fixture *f, const struct worker_facts *worker)
{
    static char text[4096];
    struct job *job;

    text[0] = '\0';
    while ((job = job_queue_next(f->queue, worker, NULL))) {
        assert_true(job_fits(job, worker));
        append(text, sizeof(text), job);
        fairness_charge(f->fairness, job->spec.tenant_id, job->spec.model, job->spec.prompt_tokens,
                        0);
        job_queue_take(f->queue, job);
    }
    return text;
}
