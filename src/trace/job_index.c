#include "trace/record.h"

#include "base/hash.h"
#include "base/mem.h"

/* A place in the chains: a record's number, and which of its jobs is meant: 0 its own, else one
 * more than the place among the others. 0: the end. */
enum { JOB_BITS = 8 };
static_assert(DECISIONS_MAX + 1 < 1 << JOB_BITS, "a place can name each job of a record");

void job_index_init(struct job_index *x, size_t records_max)
{
    size_t heads = 64;

    while (heads < 2 * records_max)
        heads *= 2;
    x->mask = heads - 1;
    x->heads = mem_alloc(heads, sizeof(*x->heads));
}

void job_index_deinit(struct job_index *x)
{
    free(x->heads);
}

static uint64_t *head_of(const struct job_index *x, const char *job_id)
{
    return &x->heads[hash_bytes(job_id, strlen(job_id)) & x->mask];
}

static const char *job_at(const struct trace_record *r, size_t job)
{
    return job == 0 ? r->job_id : r->others[job - 1];
}

/* A chain goes from newer records to older ones: behind one that is gone all are. */
const struct trace_record *job_index_find(const struct trace *t, const char *job_id)
{
    uint64_t place = *head_of(&t->by_job, job_id);
    const struct trace_record *r;

    while (place != 0 && (r = trace_record(t, place >> JOB_BITS))) {
        size_t job = place & ((1U << JOB_BITS) - 1);

        if (strcmp(job_at(r, job), job_id) == 0)
            return r;
        place = r->links[job];
    }
    return NULL;
}

static void add_job(struct trace *t, struct trace_record *r, size_t job)
{
    uint64_t *head = head_of(&t->by_job, job_at(r, job));

    r->links[job] = *head;
    *head = r->number << JOB_BITS | job;
}

void job_index_add(struct trace *t, struct trace_record *r)
{
    for (size_t i = 0; i < r->others_len; i++)
        add_job(t, r, i + 1);
    if (r->job_id[0])
        add_job(t, r, 0);
}
