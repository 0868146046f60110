/*
 * Fair turns end to end: a queue, its counters and a worker that decodes a token of each of
 * its runs a step, with requests of random length. What is checked is service, not counters:
 * 1 for each token of a prompt, 2 for each of an answer, as it is decoded.
 */
#include "jobs/queue.h"

#include "base/random.h"
#include "jobs/queue_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>

enum {
    TENANTS_MAX = 8,
    SLOTS = 4,
    INPUT_MAX = 60,
    OUTPUT_MAX = 40,
    RUNNING_MAX = SLOTS * OUTPUT_MAX, /* output tokens of all runs at a time */
    UNIT = INPUT_MAX > 2 * RUNNING_MAX ? INPUT_MAX : 2 * RUNNING_MAX,
    BOUND = 2 * UNIT, /* the paper's theorem 4.4 */
    BACKLOG = 8,
    STEPS = 8000,
};

struct run {
    size_t tenant;
    uint32_t left; /* tokens; 0: a free slot */
};

struct sim {
    struct fairness *fairness;
    struct job_queue *queue;
    struct rng rng;
    size_t tenants;
    bool is_foreseen; /* output is charged when a job is dispatched */
    bool is_away[TENANTS_MAX];
    double weights[TENANTS_MAX];
    size_t waiting[TENANTS_MAX];
    uint32_t input_max[TENANTS_MAX];
    struct run runs[SLOTS];
    uint64_t seq;
    double service[TENANTS_MAX];
};

static void tenant_name(char *out, size_t size, size_t tenant)
{
    (void)snprintf(out, size, "t%zu", tenant);
}

static void sim_init(struct sim *s, size_t tenants, bool is_foreseen, uint64_t seed)
{
    struct fairness_options fairness;
    struct job_queue_options options;

    fairness_options_init(&fairness);
    job_queue_options_init(&options);
    *s = (struct sim){ .tenants = tenants, .is_foreseen = is_foreseen };
    s->fairness = fairness_new(&fairness);
    s->queue = job_queue_new(&options, s->fairness);
    rng_seed(&s->rng, seed);
    for (size_t i = 0; i < tenants; i++) {
        s->weights[i] = 1;
        s->input_max[i] = INPUT_MAX / (1 + (uint32_t)i % 4); /* some write more than others */
    }
}

static void sim_set_weight(struct sim *s, size_t tenant, double weight)
{
    char name[TENANT_ID_SIZE];

    tenant_name(name, sizeof(name), tenant);
    s->weights[tenant] = weight;
    fairness_set_weight(s->fairness, name, weight);
}

static void arrive(struct sim *s, size_t tenant)
{
    struct job_spec spec = { .model = "m",
                             .max_tokens = 1 + (int64_t)rng_below(&s->rng, OUTPUT_MAX) };

    tenant_name(spec.tenant_id, sizeof(spec.tenant_id), tenant);
    spec.prompt_tokens = 1 + (uint32_t)rng_below(&s->rng, s->input_max[tenant]);
    struct job *job = job_new(&spec, s->seq++, 0);
    job->tokens.total = spec.prompt_tokens + (uint32_t)spec.max_tokens;
    job_queue_add(s->queue, job);
    s->waiting[tenant]++;
}

static void fill(struct sim *s, struct run *run)
{
    struct worker_facts worker = { .id = "w", .model = "m" };
    struct job *job = job_queue_next(s->queue, &worker, NULL);

    if (!job)
        return;
    *run = (struct run){ .tenant = (size_t)(job->spec.tenant_id[1] - '0'),
                         .left = (uint32_t)job->spec.max_tokens };
    fairness_charge(s->fairness, job->spec.tenant_id, "m", job->spec.prompt_tokens,
                    s->is_foreseen ? job->spec.max_tokens : 0);
    s->service[run->tenant] += job->spec.prompt_tokens;
    s->waiting[run->tenant]--;
    job_queue_take(s->queue, job);
    job_free(job);
}

static void decode(struct sim *s, struct run *run)
{
    char name[TENANT_ID_SIZE];

    tenant_name(name, sizeof(name), run->tenant);
    if (!s->is_foreseen)
        fairness_charge(s->fairness, name, "m", 0, 1);
    s->service[run->tenant] += 2;
    run->left--;
}

static void step(struct sim *s)
{
    for (size_t i = 0; i < s->tenants; i++) {
        while (!s->is_away[i] && s->waiting[i] < BACKLOG)
            arrive(s, i);
    }
    for (size_t i = 0; i < SLOTS; i++) {
        if (s->runs[i].left == 0)
            fill(s, &s->runs[i]);
        if (s->runs[i].left > 0)
            decode(s, &s->runs[i]);
    }
}

static void sim_deinit(struct sim *s)
{
    struct job *job;

    while ((job = job_queue_oldest(s->queue))) {
        job_queue_remove(s->queue, job);
        job_free(job);
    }
    job_queue_free(s->queue);
    fairness_free(s->fairness);
}

/* How far two tenants' service, by weight, ever drifts apart between any two moments. */
struct drift {
    double least, most;
};

static double drift_of(struct drift *d, const struct sim *s, size_t a, size_t b)
{
    double now = s->service[a] / s->weights[a] - s->service[b] / s->weights[b];

    d->least = fmin(d->least, now);
    d->most = fmax(d->most, now);
    return d->most - d->least;
}

static double worst_drift(size_t tenants, bool is_foreseen, uint64_t seed)
{
    struct drift drifts[TENANTS_MAX][TENANTS_MAX] = { 0 };
    struct sim s;
    double worst = 0;

    sim_init(&s, tenants, is_foreseen, seed);
    for (unsigned i = 0; i < STEPS; i++) {
        step(&s);
        for (size_t a = 0; a < tenants; a++) {
            for (size_t b = 0; b < a; b++)
                worst = fmax(worst, drift_of(&drifts[a][b], &s, a, b));
        }
    }
    assert_true(s.service[0] > 10 * BOUND); /* long enough to drift apart */
    sim_deinit(&s);
    return worst;
}

static void two_busy_tenants_never_drift_apart_by_more_than_the_papers_bound(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 3; seed++) {
        assert_true(worst_drift(2, false, seed) <= BOUND);
        assert_true(worst_drift(2, true, seed) <= BOUND);
    }
}

static void nor_do_any_two_of_many(void **state)
{
    (void)state;
    assert_true(worst_drift(TENANTS_MAX, false, 4) <= BOUND);
    assert_true(worst_drift(TENANTS_MAX, true, 5) <= BOUND);
}

/* A burst counts at once, not only when its answers are there. */
static void foreseen_output_keeps_tenants_closer(void **state)
{
    (void)state;
    assert_true(worst_drift(TENANTS_MAX, true, 6) < worst_drift(TENANTS_MAX, false, 6));
}

static void service_goes_by_weight(void **state)
{
    struct drift drifts[2] = { 0 };
    struct sim s;
    (void)state;

    sim_init(&s, 3, true, 7);
    sim_set_weight(&s, 1, 2);
    sim_set_weight(&s, 2, 5);
    for (unsigned i = 0; i < STEPS; i++) {
        step(&s);
        assert_true(drift_of(&drifts[0], &s, 0, 1) <= BOUND);
        assert_true(drift_of(&drifts[1], &s, 0, 2) <= BOUND);
    }
    sim_deinit(&s);
}

/* One that was away gets from then on what the others get, and nothing for the past. */
static void who_was_away_gets_no_credit_for_it(void **state)
{
    struct drift drift = { INFINITY, -INFINITY };
    struct sim s;
    (void)state;

    sim_init(&s, 3, true, 8);
    for (unsigned i = 0; i < STEPS; i++) {
        s.is_away[2] = i < STEPS / 2;
        step(&s);
        if (!s.is_away[2])
            assert_true(drift_of(&drift, &s, 2, 0) <= BOUND);
    }
    assert_true(s.service[2] < s.service[0] / 2 + BOUND);
    sim_deinit(&s);
}

/* The same over and over: coming back again and again earns nothing either. */
static void coming_and_going_earns_nothing(void **state)
{
    struct sim s;
    (void)state;

    sim_init(&s, 2, false, 9);
    for (unsigned i = 0; i < STEPS; i++) {
        s.is_away[1] = i / 200 % 2;
        step(&s);
    }
    assert_true(s.service[1] < s.service[0]);
    sim_deinit(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_busy_tenants_never_drift_apart_by_more_than_the_papers_bound),
        cmocka_unit_test(nor_do_any_two_of_many),
        cmocka_unit_test(foreseen_output_keeps_tenants_closer),
        cmocka_unit_test(service_goes_by_weight),
        cmocka_unit_test(who_was_away_gets_no_credit_for_it),
        cmocka_unit_test(coming_and_going_earns_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
