/*
 * Choosing one worker of a list. Sources: LMETRIC (arXiv 2603.15202), power of two choices
 * (Mitzenmacher 2001), the load gate of cache-aware routing as in SGLang's router.
 */
#include "policy/api_methods.h"
#include "policy/api_private.h"

void api_scores_begin(struct policy *p)
{
    if (p->answer)
        p->answer->scores_len = 0;
}

void api_score(struct policy *p, uint32_t worker, double score)
{
    struct policy_answer *a = p->answer;

    if (a && p->call && p->call->want_scores && a->scores_len < POLICY_SCORES_MAX)
        a->scores[a->scores_len++] = (struct policy_score){ worker, score };
}

double api_load(const struct snap_worker *w)
{
    double jobs = (double)w->active + (double)w->queued;

    return jobs / (w->slots > 0 ? w->slots : 1);
}

/* --- The one with the smallest score --------------------------------------------------- */

struct choice {
    struct policy *p;
    bool shows; /* its scores: only a choice that no other one asked for */
    uint32_t row;
    double score, tie_break;
    uint64_t equals;
};

static struct choice choice_begin(struct policy *p)
{
    struct choice c = { .p = p, .shows = p->api->choices == 0, .row = SNAP_NONE };

    if (c.shows)
        api_scores_begin(p);
    return c;
}

/* Of equal ones the first stays. */
static void choice_offer(struct choice *c, uint32_t row, double score, double tie_break)
{
    if (c->shows)
        api_score(c->p, row, score);
    if (c->row != SNAP_NONE &&
        (score > c->score || (score == c->score && tie_break >= c->tie_break)))
        return;
    c->row = row;
    c->score = score;
    c->tie_break = tie_break;
}

/* Of equal ones each has the same chance. */
static void choice_offer_fairly(struct choice *c, uint32_t row, double score)
{
    if (c->shows)
        api_score(c->p, row, score);
    if (c->row != SNAP_NONE && score > c->score)
        return;
    c->equals = c->row != SNAP_NONE && score == c->score ? c->equals + 1 : 1;
    if (c->equals > 1 && rng_below(&c->p->rng, c->equals) != 0)
        return;
    c->row = row;
    c->score = score;
}

static int push_chosen(lua_State *L, struct policy *p, uint32_t row)
{
    if (row == SNAP_NONE)
        lua_pushnil(L);
    else
        api_push_row(L, p, API_WORKER, row);
    return 1;
}

/* --- By load ------------------------------------------------------------------------------ */

uint32_t api_least_loaded(struct policy *p, struct api_rows rows)
{
    struct choice c = choice_begin(p);

    for (uint32_t i = 0; i < rows.len; i++) {
        const struct snap_worker *w = snapshot_worker(p->snapshot, rows.at[i]);
        if (w)
            choice_offer(&c, rows.at[i], api_load(w), w->cpu_pct);
    }
    return c.row;
}

int api_set_least_loaded(lua_State *L)
{
    struct policy *p = policy_of(L);
    struct api_rows rows;

    (void)api_self_set(L, p, API_WORKER, &rows);
    api_narrow_placing(L, p, NULL, &rows);
    return push_chosen(L, p, api_least_loaded(p, rows));
}

int api_set_most_vram_free(lua_State *L)
{
    struct policy *p = policy_of(L);
    struct choice c = choice_begin(p);
    struct api_rows rows;

    (void)api_self_set(L, p, API_WORKER, &rows);
    api_narrow_placing(L, p, NULL, &rows);
    for (uint32_t i = 0; i < rows.len; i++) {
        const struct snap_worker *w = snapshot_worker(p->snapshot, rows.at[i]);
        if (w)
            choice_offer(&c, rows.at[i], -(double)snapshot_vram_free_mb(w), 0);
    }
    return push_chosen(L, p, c.row);
}

/* --- By turn and by chance ------------------------------------------------------------------ */

static struct api_pick *picks_of(lua_State *L, struct policy *p)
{
    if (!p->api->picks) {
        struct api_pick *picks = lua_newuserdatauv(L, SNAP_WORKERS_MAX * sizeof(*picks), 0);
        (void)luaL_ref(L, LUA_REGISTRYINDEX);
        memset(picks, 0, SNAP_WORKERS_MAX * sizeof(*picks));
        p->api->picks = picks;
    }
    return p->api->picks;
}

int api_set_round_robin(lua_State *L)
{
    struct policy *p = policy_of(L);
    struct choice c = choice_begin(p);
    struct api_rows rows;

    (void)api_self_set(L, p, API_WORKER, &rows);
    api_narrow_placing(L, p, NULL, &rows);
    struct api_pick *picks = picks_of(L, p);
    for (uint32_t i = 0; i < rows.len; i++) {
        const struct snap_worker *w = snapshot_worker(p->snapshot, rows.at[i]);
        if (!w)
            continue;
        const struct api_pick *pick = &picks[rows.at[i]];
        uint64_t number = pick->generation == w->generation ? pick->number : 0;
        choice_offer(&c, rows.at[i], (double)number, (double)w->last_used_ms);
    }
    const struct snap_worker *chosen = snapshot_worker(p->snapshot, c.row);
    if (chosen)
        picks[c.row] = (struct api_pick){ chosen->generation, ++p->api->picks_total };
    return push_chosen(L, p, c.row);
}

int api_set_random(lua_State *L)
{
    struct policy *p = policy_of(L);
    struct api_rows rows;
    const struct api_set *set = api_self_set(L, p, API_OBJECT_COUNT_, &rows);

    api_narrow(L, p, set->of, &rows);
    if (rows.len == 0)
        lua_pushnil(L);
    else
        api_push_row(L, p, set->of, rows.at[rng_below(&p->rng, rows.len)]);
    return 1;
}

int api_set_power_of_two(lua_State *L)
{
    struct policy *p = policy_of(L);
    struct api_rows rows;
    uint32_t two[2], len = 0;

    (void)api_self_set(L, p, API_WORKER, &rows);
    api_narrow_placing(L, p, NULL, &rows);
    if (rows.len > 0) {
        uint64_t a = rng_below(&p->rng, rows.len);
        two[len++] = rows.at[a];
        if (rows.len > 1)
            two[len++] = rows.at[(a + 1 + rng_below(&p->rng, rows.len - 1)) % rows.len];
    }
    return push_chosen(L, p, api_least_loaded(p, (struct api_rows){ two, len }));
}

/* --- By the work that a job would wait for ---------------------------------------------------- */

/* Mean of the speeds that are known; 0: none is. */
static double mean_speed(const struct policy *p, struct api_rows rows)
{
    double sum = 0;
    uint32_t known = 0;

    for (uint32_t i = 0; i < rows.len; i++) {
        const struct snap_worker *w = snapshot_worker(p->snapshot, rows.at[i]);
        if (w && (w->given & SNAP_HAS_SPEED) && w->tokens_per_s > 0) {
            sum += w->tokens_per_s;
            known++;
        }
    }
    return known > 0 ? sum / known : 0;
}

/* Tokens to compute first times the batch, over the speed relative to the others. At least
 * one token is always computed, so that load counts where all is cached. */
static double lmetric_of(const struct snap_worker *w, uint32_t row, const struct snap_job *job,
                         double speed)
{
    double tokens = (double)w->queued_prefill_tokens + snapshot_uncached_tokens(job, row);
    double batch = (double)w->active + (double)w->queued + 1;
    double relative = speed > 0 && (w->given & SNAP_HAS_SPEED) && w->tokens_per_s > 0
                          ? w->tokens_per_s / speed
                          : 1;

    return (tokens > 1 ? tokens : 1) * batch / relative;
}

uint32_t api_lmetric(struct policy *p, struct api_rows rows, const struct snap_job *job)
{
    struct choice c = choice_begin(p);
    double speed = mean_speed(p, rows);

    for (uint32_t i = 0; i < rows.len; i++) {
        const struct snap_worker *w = snapshot_worker(p->snapshot, rows.at[i]);
        if (w)
            choice_offer_fairly(&c, rows.at[i], lmetric_of(w, rows.at[i], job, speed));
    }
    return c.row;
}

static const struct snap_job *needed_job(lua_State *L, struct policy *p)
{
    const struct snap_job *job = api_arg_job(L, p, 1);

    if (!job)
        api_fail(L, "needs a job: none is being decided");
    return job;
}

int api_set_lmetric(lua_State *L)
{
    struct policy *p = policy_of(L);
    struct api_rows rows;

    (void)api_self_set(L, p, API_WORKER, &rows);
    const struct snap_job *job = needed_job(L, p);
    api_narrow_placing(L, p, job, &rows);
    return push_chosen(L, p, api_lmetric(p, rows, job));
}

/* The one that has most of the prompt cached; SNAP_NONE: none has any. */
static uint32_t find_warmest(struct api_rows rows, const struct snap_job *job)
{
    uint32_t least = job->prompt_tokens, warmest = SNAP_NONE;

    for (uint32_t i = 0; i < rows.len; i++) {
        uint32_t uncached = snapshot_uncached_tokens(job, rows.at[i]);
        if (uncached < least) {
            least = uncached;
            warmest = rows.at[i];
        }
    }
    return warmest;
}

/* Loaded more than twice the mean of the others? Both count the job itself, so that one run
 * among idle workers is no overload. */
static bool is_overloaded(const struct policy *p, struct api_rows rows, uint32_t row)
{
    const struct snap_worker *warm = snapshot_worker(p->snapshot, row);
    double own = 1.0 / (warm->slots > 0 ? warm->slots : 1), others = 0;

    if (rows.len < 2)
        return false;
    for (uint32_t i = 0; i < rows.len; i++) {
        const struct snap_worker *w = snapshot_worker(p->snapshot, rows.at[i]);
        if (w && rows.at[i] != row)
            others += api_load(w);
    }
    return api_load(warm) + own > 2 * (others / (rows.len - 1) + own);
}

int api_set_warmest(lua_State *L)
{
    struct policy *p = policy_of(L);
    struct api_rows rows;

    (void)api_self_set(L, p, API_WORKER, &rows);
    const struct snap_job *job = needed_job(L, p);
    api_narrow_placing(L, p, job, &rows);
    uint32_t row = find_warmest(rows, job);
    uint32_t balanced = api_lmetric(p, rows, job); /* its scores show either way */
    if (!snapshot_worker(p->snapshot, row) || is_overloaded(p, rows, row))
        row = balanced;
    return push_chosen(L, p, row);
}
