/*
 * The jobs of a context by hand: listed as they are given, linked in the order in which the
 * queen would serve them. That is band, then deadline, then arrival (jobs/queue.h, whose fair
 * shares nobody can tell from one look); what is equal in all of that stays as given.
 */
#include "base/mem.h"
#include "snapshot/context_reader.h"
#include "snapshot/reserved.h"

struct turn {
    bool is_batch;
    int64_t due_ms; /* wall clock, as all here; INT64_MAX: never */
    uint64_t arrived_ms;
    uint32_t row;
};

/* Wait and arrival tell each other. */
static void settle_wait(const struct reader *x, struct snap_job *job)
{
    if (job->created_at_ms == 0 && job->given & SNAP_HAS_WAIT && job->wait_ms < x->header.now_ms)
        job->created_at_ms = x->header.now_ms - job->wait_ms;
}

static void read_job(struct reader *x, struct str raw, const char *path, uint32_t owner)
{
    uint32_t row = context_next_row(x, &x->header.jobs, SNAP_JOBS_MAX, "queue");
    struct snap_job job;
    bool is_kept;
    (void)owner;

    if (row == SNAP_NONE)
        return;
    memset(&job, 0, sizeof(job));
    job.generation = 1;
    job.temperature = -1;
    context_read_members(x, raw, &context_jobs, &job, path, &is_kept);
    reserved_job(rows_of(x->r), &job);
    settle_wait(x, &job);
    job.next = SNAP_NONE;
    job.model = context_row(&x->models, snapshot_text(rows_of(x->r), job.model_ref));
    job.tenant = context_row(&x->tenants, snapshot_text(rows_of(x->r), job.tenant_id));
    rows_put_job(x->r, row, &job);
}

/* A job that does not say when it came has just come. */
static struct turn turn_of(const struct reader *x, uint32_t row)
{
    const struct snap_job *job = &rows_of(x->r)->jobs[row];
    struct turn turn = {
        .is_batch = job->is_batch,
        .due_ms = job->given & SNAP_HAS_DEADLINE ? job->deadline_at_ms : INT64_MAX,
        .arrived_ms = job->created_at_ms > 0 ? job->created_at_ms : x->header.now_ms,
        .row = row,
    };
    int64_t first_token_ms;

    if (job->given & SNAP_HAS_SLO && job->slo_ttft_ms > 0 &&
        !__builtin_add_overflow(turn.arrived_ms, job->slo_ttft_ms, &first_token_ms) &&
        first_token_ms < turn.due_ms)
        turn.due_ms = first_token_ms;
    return turn;
}

static int compare_turns(const void *left, const void *right)
{
    const struct turn *a = left, *b = right;

    if (a->is_batch != b->is_batch)
        return a->is_batch ? 1 : -1;
    if (a->due_ms != b->due_ms)
        return a->due_ms < b->due_ms ? -1 : 1;
    if (a->arrived_ms != b->arrived_ms)
        return a->arrived_ms < b->arrived_ms ? -1 : 1;
    return a->row < b->row ? -1 : 1;
}

void context_read_queue(struct reader *x, struct str raw)
{
    context_read_elements(x, raw, "queue", SNAP_NONE, read_job);

    uint32_t len = x->header.jobs, next = SNAP_NONE;
    AUTO(free_ptr) struct turn *turns = mem_alloc(len + 1, sizeof(*turns));
    for (uint32_t row = 0; row < len; row++)
        turns[row] = turn_of(x, row);
    qsort(turns, len, sizeof(*turns), compare_turns);
    for (uint32_t i = len; i-- > 0;) {
        struct snap_job job = rows_of(x->r)->jobs[turns[i].row];
        job.next = next;
        next = turns[i].row;
        rows_put_job(x->r, next, &job);
    }
    x->header.first_job = next;
    x->header.jobs_shown = len;
    x->header.by_hand = true;
}
