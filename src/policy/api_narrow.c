/*
 * Among whom a choice is made. While a job is being decided, a worker that cannot run it is no
 * choice: not the cheapest one, nor the first of those in the EU. And where some of a list
 * could run it but for the moment have no room, the choice is nil, which means wait: that the
 * job then went to a worker outside the list is what its author wanted to prevent.
 *
 * Lists in which nobody has the job's model are chosen from as they are: for what to evict.
 */
#include "policy/api_methods.h"
#include "policy/api_private.h"

/* Something that passes: the same worker may run the job a little later. */
static bool passes(enum snap_verdict verdict)
{
    return verdict == SNAP_OFFLINE_NOW || verdict == SNAP_NOT_READY || verdict == SNAP_NO_ROOM;
}

static const struct snap_job *decided_job(const struct policy *p, enum api_object of)
{
    bool is_about_one = of == API_WORKER && p->call && p->call->kind == ASK_JOB;

    return is_about_one ? snapshot_job(p->snapshot, p->call->job) : NULL;
}

static enum snap_verdict verdict_of(const struct policy *p, uint32_t row,
                                    const struct snap_job *job)
{
    const struct snap_worker *w = snapshot_worker(p->snapshot, row);

    return w ? snapshot_can_run(p->snapshot, w, job) : SNAP_WRONG_MODEL;
}

void api_narrow(lua_State *L, struct policy *p, enum api_object of, struct api_rows *rows)
{
    const struct snap_job *job = decided_job(p, of);
    uint32_t can = 0, later = 0;

    for (uint32_t i = 0; job && i < rows->len; i++) {
        enum snap_verdict verdict = verdict_of(p, rows->at[i], job);
        can += verdict == SNAP_OK;
        later += passes(verdict);
    }
    if (!job || can == rows->len || (can == 0 && later == 0))
        return;
    struct api_set *kept = api_new_set(L, p, of, can);
    for (uint32_t i = 0; i < rows->len; i++) {
        if (verdict_of(p, rows->at[i], job) == SNAP_OK)
            kept->rows[kept->len++] = rows->at[i];
    }
    *rows = (struct api_rows){ kept->rows, kept->len };
}

static bool can_now(const struct policy *p, uint32_t row, const struct snap_job *job)
{
    const struct snap_worker *w = snapshot_worker(p->snapshot, row);

    if (!job)
        return w && snapshot_room(w) > 0;
    return w && snapshot_can_run(p->snapshot, w, job) == SNAP_OK;
}

void api_narrow_placing(lua_State *L, struct policy *p, const struct snap_job *job,
                        struct api_rows *rows)
{
    const struct snap_job *decided = decided_job(p, API_WORKER);
    uint32_t can = 0;

    if (decided && (!job || job == decided)) {
        api_narrow(L, p, API_WORKER, rows);
        return;
    }
    for (uint32_t i = 0; i < rows->len; i++)
        can += can_now(p, rows->at[i], job);
    if (can == 0 || can == rows->len)
        return;
    struct api_set *kept = api_new_set(L, p, API_WORKER, can);
    for (uint32_t i = 0; i < rows->len; i++) {
        if (can_now(p, rows->at[i], job))
            kept->rows[kept->len++] = rows->at[i];
    }
    *rows = (struct api_rows){ kept->rows, kept->len };
}

int64_t api_narrow_first(const struct policy *p, enum api_object of, struct api_rows rows,
                         bool from_end)
{
    const struct snap_job *job = decided_job(p, of);
    int64_t end = from_end ? (int64_t)rows.len - 1 : 0;
    uint32_t later = 0;

    if (!job)
        return end;
    for (uint32_t n = 0; n < rows.len; n++) {
        uint32_t i = from_end ? rows.len - 1 - n : n;
        enum snap_verdict verdict = verdict_of(p, rows.at[i], job);
        if (verdict == SNAP_OK)
            return i;
        later += passes(verdict);
    }
    return later > 0 ? -1 : end;
}
