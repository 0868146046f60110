/* The queue against a naive one, which looks at every job for every question. */
#include "jobs/queue.h"

#include "base/random.h"
#include "jobs/queue_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

enum {
    SEEDS = 8,
    STEPS = 2000,
    WAITING = 40, /* about so many at a time */
    WINDOW_MAX = 80,
    MODELS = 2,
    TENANTS = 4,
    WORKERS = 4,
    HIVES = 2, /* the last worker has none */
    SHARE_PCT = 20,
    PROMOTE_AFTER_MS = 700,
};

struct naive_tenant {
    bool is_busy;
    uint64_t number; /* when it became busy */
};

struct naive {
    struct fixture *f;
    struct rng rng;
    bool is_upper[FIXTURE_JOBS_MAX]; /* by seq: it stands in the upper band */
    struct naive_tenant tenants[MODELS][TENANTS];
    unsigned owed[MODELS];
    uint64_t numbers;
    const struct worker_facts *worker; /* whose order is asked for; NULL: everybody's */
};

static uint64_t below(struct naive *n, uint64_t bound)
{
    return rng_below(&n->rng, bound);
}

static void name(char *out, size_t size, char kind, uint64_t number)
{
    (void)snprintf(out, size, "%c%llu", kind, (unsigned long long)number);
}

static size_t number_of(const char *name)
{
    return (size_t)(name[1] - '0');
}

static struct naive_tenant *tenant_of(struct naive *n, const struct job *job)
{
    return &n->tenants[number_of(job->spec.model)][number_of(job->spec.tenant_id)];
}

static double counter_of(const struct naive *n, const struct job *job)
{
    return fairness_counter(n->f->fairness, job->spec.tenant_id, job->spec.model);
}

/* --- The order ------------------------------------------------------------------------------ */

static bool is_before_in_tenant(const struct job *a, const struct job *b)
{
    bool a_returned = a->tried_len > 0, b_returned = b->tried_len > 0;
    uint64_t a_due_ms = a->spec.deadline_ms ? a->spec.deadline_ms : UINT64_MAX;
    uint64_t b_due_ms = b->spec.deadline_ms ? b->spec.deadline_ms : UINT64_MAX;

    if (a_returned != b_returned)
        return a_returned;
    return a_due_ms != b_due_ms ? a_due_ms < b_due_ms : a->seq < b->seq;
}

static bool is_in_question(const struct naive *n, const struct job *job, const char *model)
{
    return job->lane && strcmp(job->spec.model, model) == 0 &&
           (!n->worker || job_fits(job, n->worker));
}

static double start_of(const struct naive *n, const struct job *job)
{
    double cost = 0;

    for (size_t i = 0; i < n->f->jobs_len; i++) {
        const struct job *other = n->f->jobs[i];

        if (!is_in_question(n, other, job->spec.model) ||
            strcmp(other->spec.tenant_id, job->spec.tenant_id) != 0 ||
            n->is_upper[other->seq] != n->is_upper[job->seq] || !is_before_in_tenant(other, job))
            continue;
        uint32_t input = other->spec.prompt_tokens, output = other->tokens.total - input;
        cost += input + 2 * output > 0 ? input + 2 * output : 1;
    }
    return counter_of(n, job) + cost / fairness_weight(n->f->fairness, job->spec.tenant_id);
}

struct entry {
    const struct job *job;
    double start;
    uint64_t number;
};

static int compare_entries(const void *left, const void *right)
{
    const struct entry *a = left, *b = right;

    if (a->start != b->start)
        return a->start < b->start ? -1 : 1;
    return (a->number > b->number) - (a->number < b->number);
}

struct band {
    struct entry entries[FIXTURE_JOBS_MAX];
    size_t len;
};

static void sort_band(struct naive *n, const char *model, bool is_upper, struct band *ret)
{
    ret->len = 0;
    for (size_t i = 0; i < n->f->jobs_len; i++) {
        const struct job *job = n->f->jobs[i];

        if (is_in_question(n, job, model) && n->is_upper[i] == is_upper)
            ret->entries[ret->len++] =
                (struct entry){ job, start_of(n, job), tenant_of(n, job)->number };
    }
    qsort(ret->entries, ret->len, sizeof(ret->entries[0]), compare_entries);
}

static bool is_due(unsigned owed)
{
    return owed >= 100 - SHARE_PCT;
}

static unsigned owe(unsigned owed, bool is_upper, bool is_lower_waiting)
{
    if (!is_lower_waiting)
        return 0;
    if (is_upper)
        return owed + SHARE_PCT > 100 ? 100 : owed + SHARE_PCT;
    return owed < 100 - SHARE_PCT ? 0 : owed - (100 - SHARE_PCT);
}

/* --- Questions -------------------------------------------------------------------------------- */

static struct worker_facts worker(uint64_t number, const char *model)
{
    char id[8], hive_id[8] = "";

    name(id, sizeof(id), 'w', number);
    if (number + 1 < WORKERS)
        name(hive_id, sizeof(hive_id), 'h', number % HIVES);
    return fixture_worker(id, hive_id, model);
}

static void check_walk(struct naive *n, const char *model)
{
    static struct band upper, lower;
    struct worker_facts w = worker(below(n, WORKERS), model);
    const struct job *job = NULL;
    size_t due = 0;

    n->worker = &w;
    sort_band(n, model, true, &upper);
    sort_band(n, model, false, &lower);
    n->worker = NULL;
    if (lower.len > 0 && is_due(n->owed[number_of(model)]))
        due = 1;
    for (size_t i = 0; i < upper.len + lower.len; i++) {
        const struct job *expected = i < due               ? lower.entries[i].job
                                     : i < due + upper.len ? upper.entries[i - due].job
                                                           : lower.entries[i - upper.len].job;

        job = job_queue_next(n->f->queue, &w, job);
        assert_ptr_equal(job, expected);
    }
    assert_null(job_queue_next(n->f->queue, &w, job));
}

static void check_positions(struct naive *n, const char *model)
{
    static struct band upper, lower;

    sort_band(n, model, true, &upper);
    sort_band(n, model, false, &lower);
    for (size_t i = 0; i < upper.len; i++)
        assert_int_equal(job_queue_position(n->f->queue, upper.entries[i].job), i + 1);
    for (size_t i = 0; i < lower.len; i++)
        assert_int_equal(job_queue_position(n->f->queue, lower.entries[i].job), upper.len + i + 1);
    assert_int_equal(job_queue_waiting(n->f->queue, model), upper.len + lower.len);
}

/* One model's order, bands merged by what will be owed. */
struct sequence {
    struct band upper, lower;
    size_t uppers, lowers; /* gone so far */
    unsigned owed;
};

static const struct job *head(const struct sequence *s, bool *ret_is_upper)
{
    bool has_upper = s->uppers < s->upper.len, has_lower = s->lowers < s->lower.len;

    *ret_is_upper = has_upper && !(has_lower && is_due(s->owed));
    if (*ret_is_upper)
        return s->upper.entries[s->uppers].job;
    return has_lower ? s->lower.entries[s->lowers].job : NULL;
}

static void step(struct sequence *s)
{
    bool is_upper, has_lower = s->lowers < s->lower.len;

    (void)head(s, &is_upper);
    s->uppers += is_upper;
    s->lowers += !is_upper;
    s->owed = owe(s->owed, is_upper, has_lower);
}

static bool is_ahead(const struct sequence *a, const struct sequence *b)
{
    bool a_is_upper, b_is_upper;
    const struct job *job_a = head(a, &a_is_upper), *job_b = head(b, &b_is_upper);

    if (!job_a || !job_b)
        return job_a != NULL;
    a_is_upper = a_is_upper || is_due(a->owed);
    b_is_upper = b_is_upper || is_due(b->owed);
    return a_is_upper != b_is_upper ? a_is_upper : is_before_in_tenant(job_a, job_b);
}

static void check_first(struct naive *n)
{
    static struct sequence sequences[MODELS];
    const struct job *jobs[FIXTURE_JOBS_MAX];
    size_t max = below(n, WINDOW_MAX), len = job_queue_first(n->f->queue, jobs, max);

    for (size_t i = 0; i < MODELS; i++) {
        char model[8];

        name(model, sizeof(model), 'm', i);
        sequences[i].uppers = sequences[i].lowers = 0;
        sequences[i].owed = n->owed[i];
        sort_band(n, model, true, &sequences[i].upper);
        sort_band(n, model, false, &sequences[i].lower);
    }
    for (size_t i = 0; i < len; i++) {
        struct sequence *s = &sequences[is_ahead(&sequences[1], &sequences[0])];
        bool is_upper;

        assert_ptr_equal(jobs[i], head(s, &is_upper));
        step(s);
    }
    assert_int_equal(
        len, job_queue_stats(n->f->queue)->count < max ? job_queue_stats(n->f->queue)->count : max);
}

static void check_oldest(const struct naive *n)
{
    uint64_t oldest_ms = UINT64_MAX, aging_ms = UINT64_MAX;
    const struct job *oldest = job_queue_oldest(n->f->queue);

    for (size_t i = 0; i < n->f->jobs_len; i++) {
        const struct job *job = n->f->jobs[i];

        if (job->lane && job->entered_ms < oldest_ms)
            oldest_ms = job->entered_ms;
        if (job->lane && !n->is_upper[i] && job->entered_ms < aging_ms)
            aging_ms = job->entered_ms;
    }
    assert_int_equal(oldest ? oldest->entered_ms : UINT64_MAX, oldest_ms);
    assert_int_equal(job_queue_next_promotion_ms(n->f->queue),
                     aging_ms == UINT64_MAX ? aging_ms : aging_ms + PROMOTE_AFTER_MS);
}

static bool has_same_constraints(const struct job *a, const struct job *b)
{
    if (strcmp(a->spec.model, b->spec.model) != 0 ||
        strcmp(a->spec.worker_id, b->spec.worker_id) != 0 ||
        strcmp(a->spec.hive_id, b->spec.hive_id) != 0 || a->tried_len != b->tried_len)
        return false;
    for (size_t i = 0; i < a->tried_len; i++) {
        if (strcmp(a->tried[i], b->tried[i]) != 0)
            return false;
    }
    return true;
}

/* Would `other`, which waits, come before `job`, which is about to? */
static bool is_peer_before(struct naive *n, const struct job *other, const struct job *job)
{
    bool is_upper = job->spec.priority == JOB_INTERACTIVE;
    double theirs = counter_of(n, other), own = counter_of(n, job);

    if (n->is_upper[other->seq] != is_upper)
        return is_due(n->owed[number_of(job->spec.model)]) == is_upper;
    if (strcmp(other->spec.tenant_id, job->spec.tenant_id) == 0)
        return is_before_in_tenant(other, job);
    if (!tenant_of(n, job)->is_busy)
        return theirs <= own;
    return theirs != own ? theirs < own : tenant_of(n, other)->number < tenant_of(n, job)->number;
}

static void check_peer(struct naive *n, const struct job *job)
{
    bool expected = false;

    for (size_t i = 0; i < n->f->jobs_len && !expected; i++) {
        const struct job *other = n->f->jobs[i];

        expected = other->lane && has_same_constraints(other, job) && is_peer_before(n, other, job);
    }
    assert_int_equal(job_queue_has_peer_before(n->f->queue, job), expected);
}

/* --- Changes -----------------------------------------------------------------------------------
 */

static struct job *pick(struct naive *n)
{
    size_t from = below(n, n->f->jobs_len + 1);

    for (size_t i = 0; i < n->f->jobs_len; i++) {
        struct job *job = n->f->jobs[(from + i) % n->f->jobs_len];

        if (job->lane)
            return job;
    }
    return NULL;
}

static void add(struct naive *n)
{
    struct job_spec spec = { .prompt_tokens = (uint32_t)below(n, 50), .bytes = below(n, 9) };

    name(spec.model, sizeof(spec.model), 'm', below(n, MODELS));
    name(spec.tenant_id, sizeof(spec.tenant_id), 't', below(n, TENANTS));
    spec.priority = (enum job_priority)below(n, JOB_PRIORITY_COUNT_);
    if (below(n, 3) == 0)
        spec.deadline_ms = 1 + below(n, 20);
    if (below(n, 4) == 0)
        name(spec.worker_id, sizeof(spec.worker_id), 'w', below(n, WORKERS));
    if (below(n, 4) == 0)
        name(spec.hive_id, sizeof(spec.hive_id), 'h', below(n, HIVES));

    struct job *job = fixture_make(n->f, &spec);
    for (char id[8]; job->tried_len < 2 && below(n, 6) == 0;) {
        name(id, sizeof(id), 'w', below(n, WORKERS));
        job_tried_on(job, id);
    }
    job->tokens.total = spec.prompt_tokens + (uint32_t)below(n, 30);
    check_peer(n, job);
    if (!tenant_of(n, job)->is_busy)
        *tenant_of(n, job) = (struct naive_tenant){ true, n->numbers++ };
    n->is_upper[job->seq] = spec.priority == JOB_INTERACTIVE;
    job_queue_add(n->f->queue, job);
}

static bool waits(const struct naive *n, const char *model, const char *tenant_id, bool only_lower)
{
    for (size_t i = 0; i < n->f->jobs_len; i++) {
        const struct job *job = n->f->jobs[i];

        if (job->lane && strcmp(job->spec.model, model) == 0 &&
            (!tenant_id || strcmp(job->spec.tenant_id, tenant_id) == 0) &&
            !(only_lower && n->is_upper[i]))
            return true;
    }
    return false;
}

static void note_gone(struct naive *n, const struct job *job)
{
    tenant_of(n, job)->is_busy = waits(n, job->spec.model, job->spec.tenant_id, false);
    if (!waits(n, job->spec.model, NULL, false))
        n->owed[number_of(job->spec.model)] = 0;
}

static void drop(struct naive *n)
{
    struct job *job = pick(n);

    if (!job)
        return;
    job_queue_remove(n->f->queue, job);
    note_gone(n, job);
}

static void take(struct naive *n)
{
    struct job *job = pick(n);

    if (!job)
        return;
    unsigned *owed = &n->owed[number_of(job->spec.model)];
    *owed = owe(*owed, n->is_upper[job->seq], waits(n, job->spec.model, NULL, true));
    fairness_charge(n->f->fairness, job->spec.tenant_id, job->spec.model, job->spec.prompt_tokens,
                    (int64_t)below(n, 40));
    job_queue_take(n->f->queue, job);
    note_gone(n, job);
}

static void charge(struct naive *n)
{
    char model[8], tenant_id[8];

    name(model, sizeof(model), 'm', below(n, MODELS));
    name(tenant_id, sizeof(tenant_id), 't', below(n, TENANTS));
    fairness_charge(n->f->fairness, tenant_id, model, (int64_t)below(n, 100) - 40,
                    (int64_t)below(n, 100) - 40);
}

static void weigh(struct naive *n)
{
    static const double weights[] = { 0.5, 1, 2, 4 }; /* sums of quotients stay exact */
    char tenant_id[8];

    name(tenant_id, sizeof(tenant_id), 't', below(n, TENANTS));
    fairness_set_weight(n->f->fairness, tenant_id, weights[below(n, 4)]);
}

static void age(struct naive *n)
{
    n->f->now_ms += below(n, 100);
    job_queue_age(n->f->queue, n->f->now_ms);
    for (size_t i = 0; i < n->f->jobs_len; i++) {
        const struct job *job = n->f->jobs[i];

        if (job->lane && n->f->now_ms - job->entered_ms >= PROMOTE_AFTER_MS)
            n->is_upper[i] = true;
    }
}

static void doubt(struct naive *n)
{
    struct job *job = pick(n);

    if (!job)
        return;
    job_queue_doubt(n->f->queue, job->spec.model);
    while ((job = job_queue_doubted(n->f->queue))) {
        for (const struct job *it = job, *behind; (behind = job_queue_behind(it)); it = behind) {
            assert_true(has_same_constraints(it, behind));
            assert_true(is_before_in_tenant(it, behind));
        }
        if (below(n, 2))
            job_queue_trust(job);
        else
            break;
    }
    if (job)
        job_queue_trust(job);
}

static void run(uint64_t seed)
{
    static void (*const changes[])(
        struct naive *) = { drop, take, take, charge, weigh, age, doubt };
    struct naive n = { .f = fixture_new(&(struct job_queue_options){
                           .batch_share_pct = SHARE_PCT, .promote_after_ms = PROMOTE_AFTER_MS }) };

    rng_seed(&n.rng, seed);
    for (unsigned i = 0; i < STEPS; i++) {
        bool is_short = job_queue_stats(n.f->queue)->count < WAITING && i % 300 < 250;

        if (n.f->jobs_len < FIXTURE_JOBS_MAX && below(&n, 4) < (is_short ? 3 : 1))
            add(&n);
        else
            changes[below(&n, sizeof(changes) / sizeof(changes[0]))](&n);
        const char *model = below(&n, MODELS) ? "m1" : "m0";
        check_walk(&n, model);
        check_positions(&n, model);
        check_oldest(&n);
        if (i % 8 == 0)
            check_first(&n);
    }
    fixture_free(n.f);
}

static void it_agrees_with_a_look_at_every_job(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++)
        run(seed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_agrees_with_a_look_at_every_job),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
