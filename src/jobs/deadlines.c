#include "jobs/deadlines.h"

#include "base/mem.h"

#include <assert.h>

enum { CAP_MIN = 64 };

void deadlines_init(struct deadlines *d)
{
    *d = (struct deadlines){ 0 };
}

void deadlines_deinit(struct deadlines *d)
{
    assert(d->len == 0);
    free(d->jobs);
    d->jobs = NULL;
    d->cap = 0;
}

static bool is_before(const struct job *a, const struct job *b)
{
    if (a->spec.deadline_ms != b->spec.deadline_ms)
        return a->spec.deadline_ms < b->spec.deadline_ms;
    return a->seq < b->seq;
}

static void put(struct deadlines *d, size_t at, struct job *job)
{
    d->jobs[at] = job;
    job->heap_index = at + 1;
}

/* Put `job` at `at` or nearer to the root, where it belongs. */
static void sift_up(struct deadlines *d, size_t at, struct job *job)
{
    while (at > 0 && is_before(job, d->jobs[(at - 1) / 2])) {
        put(d, at, d->jobs[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    put(d, at, job);
}

/* Put `job` at `at` or farther from the root. */
static void sift_down(struct deadlines *d, size_t at, struct job *job)
{
    for (;;) {
        size_t child = 2 * at + 1;

        if (child + 1 < d->len && is_before(d->jobs[child + 1], d->jobs[child]))
            child++;
        if (child >= d->len || !is_before(d->jobs[child], job))
            break;
        put(d, at, d->jobs[child]);
        at = child;
    }
    put(d, at, job);
}

void deadlines_add(struct deadlines *d, struct job *job)
{
    assert(job->heap_index == 0);
    if (d->len == d->cap) {
        d->cap = d->cap ? d->cap * 2 : CAP_MIN;
        d->jobs = mem_resize(d->jobs, d->cap * sizeof(struct job *));
    }
    d->len++;
    sift_up(d, d->len - 1, job);
}

void deadlines_remove(struct deadlines *d, struct job *job)
{
    size_t at = job->heap_index - 1;

    if (job->heap_index == 0)
        return;
    assert(at < d->len && d->jobs[at] == job);
    job->heap_index = 0;
    struct job *last = d->jobs[--d->len];
    if (last == job)
        return;
    if (at > 0 && is_before(last, d->jobs[(at - 1) / 2]))
        sift_up(d, at, last);
    else
        sift_down(d, at, last);
}

struct job *deadlines_first(const struct deadlines *d)
{
    return d->len > 0 ? d->jobs[0] : NULL;
}
