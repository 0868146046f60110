/*
 * What placing a job costs inside the queen, from its arrival in the core to the dispatch: the
 * snapshot brought up to date, the platform policy asked, its answer checked and carried out.
 * Beside it the same with the strategy `simple`. No sockets: for the whole, see run.py.
 *
 *     core_bench [MILLISECONDS PER ROW]
 *
 * "64": so many workers hold the job's model, whatever the number of workers; "all": each of
 * them does. Jobs end as others come, in turn, so that a third of the eligible slots is taken;
 * ten come in a millisecond, and each hive reports once a second.
 */
#include "base/clock.h"
#include "base/mem.h"
#include "base/parse.h"
#include "policy/platform.h"

#include <assert.h>
#include <stdio.h>
#include <time.h>

enum {
    SAMPLES_MAX = 1000 * 1000,
    MATCHES = 64,
    WORKERS_PER_HIVE = 20,
    SLOTS = 8,
    RUNNING_MAX = 4096,
    BEGIN_MS = 1000,
    JOBS_PER_MS = 10,
    JOBS_PER_S = 1000 * JOBS_PER_MS,
};

static const struct bench_row {
    const char *name;
    bool uses_platform, matches_all;
} rows[] = {
    { "platform, 64", true, false },
    { "platform, all", true, true },
    { "simple, 64", false, false },
    { "simple, all", false, true },
};

struct bench {
    const struct bench_row *row;
    unsigned workers;
    struct core *core;
    struct platform *platform; /* NULL: simple */
    uint64_t now_ms, arrived;
    char running[RUNNING_MAX][JOB_ID_SIZE];
    size_t running_max;
    uint32_t *samples_ns;
};

/* --- The world --------------------------------------------------------------------- */

static unsigned model_of(const struct bench *b, unsigned worker)
{
    unsigned stride = b->workers / MATCHES;
    bool matches =
        b->row->matches_all || stride < 2 || (worker % stride == 0 && worker / stride < MATCHES);

    return matches ? 0 : 1 + worker % 40;
}

static void handle(struct bench *b, struct core_event event)
{
    event.now_ms = b->now_ms;
    core_handle(b->core, &event);
}

static void report(struct bench *b, unsigned hive)
{
    struct hive_facts facts = { .status = HIVE_READY, .health = HIVE_HEALTHY, .port = 7835 };
    struct worker_facts workers[WORKERS_PER_HIVE] = { 0 };
    unsigned first = hive * WORKERS_PER_HIVE, len = 0;

    (void)snprintf(facts.id, sizeof(facts.id), "hive-%u", hive);
    (void)snprintf(facts.address, sizeof(facts.address), "10.0.0.1");
    for (unsigned i = first; i < b->workers && len < WORKERS_PER_HIVE; i++, len++) {
        struct worker_facts *w = &workers[len];

        (void)snprintf(w->id, sizeof(w->id), "worker-%u", i);
        (void)str_copy(w->hive_id, sizeof(w->hive_id), str_of(facts.id));
        (void)str_copy(w->address, sizeof(w->address), str_of(facts.address));
        (void)snprintf(w->model, sizeof(w->model), "m%u", model_of(b, i));
        w->state = WORKER_READY;
        w->slots = SLOTS;
        w->port = 8080;
        w->cpu_pct = i * 37 % 100;
        w->has_tokens_per_s = true;
        w->tokens_per_s = 20 + i % 60;
    }
    handle(b, (struct core_event){
                  .kind = CORE_HIVE_REPORT,
                  .u.report = { .hive = &facts, .workers = workers, .workers_len = len } });
}

static unsigned hives(const struct bench *b)
{
    return (b->workers + WORKERS_PER_HIVE - 1) / WORKERS_PER_HIVE;
}

static bool begin(struct bench *b)
{
    const struct live_options live = { .log_bytes_max = 64U << 20 };
    struct core_options options;
    struct err err;

    core_options_init(&options);
    options.strategy = &strategy_simple;
    b->core = core_new(&options);
    b->now_ms = BEGIN_MS;
    b->arrived = 0;
    b->platform = b->row->uses_platform ? platform_new(b->core, &live, &err) : NULL;
    if (b->row->uses_platform && !b->platform) {
        (void)printf("  %s\n", err.msg);
        return false;
    }
    if (b->platform)
        core_set_strategy(b->core, platform_strategy(b->platform));
    for (unsigned i = 0; i < hives(b); i++)
        report(b, i);
    unsigned eligible = b->row->matches_all || b->workers < MATCHES ? b->workers : MATCHES;
    b->running_max = eligible * SLOTS / 3 < RUNNING_MAX ? eligible * SLOTS / 3 : RUNNING_MAX;
    return true;
}

static void end(struct bench *b)
{
    platform_free(b->platform);
    core_free(b->core);
}

/* --- Figures ------------------------------------------------------------------------- */

static uint64_t mono_ns(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static bool was_dispatched(const struct bench *b)
{
    size_t len;
    const struct core_action *actions = core_actions(b->core, &len);

    for (size_t i = 0; i < len; i++) {
        if (actions[i].kind == CORE_DISPATCH)
            return true;
    }
    return false;
}

/* Off the clock: the oldest run ends; the hive whose turn it is reports. */
static void let_time_pass(struct bench *b, char (*oldest)[JOB_ID_SIZE])
{
    uint64_t jobs_per_report = JOBS_PER_S / hives(b);

    b->now_ms = BEGIN_MS + b->arrived / JOBS_PER_MS;
    if (b->arrived % jobs_per_report == 0)
        report(b, (unsigned)(b->arrived / jobs_per_report) % hives(b));
    if (b->arrived < b->running_max)
        return;
    handle(b, (struct core_event){ .kind = CORE_RUN_STARTED,
                                   .u.run = { .job_id = *oldest, .attempt = 1 } });
    handle(b,
           (struct core_event){
               .kind = CORE_RUN_FINISHED,
               .u.run = { .job_id = *oldest, .attempt = 1, .tokens_in = 300, .tokens_out = 90 } });
}

/* Nanoseconds until it was placed; 0: it was not. */
static uint32_t place(struct bench *b)
{
    char(*id)[JOB_ID_SIZE] = &b->running[b->arrived % b->running_max];
    struct job_spec spec = { .model = "m0", .prompt_tokens = 300, .temperature = -1 };

    let_time_pass(b, id);
    (void)snprintf(*id, sizeof(*id), "job-%llu", (unsigned long long)b->arrived++);
    memcpy(spec.id, *id, sizeof(spec.id));
    uint64_t begin_ns = mono_ns();
    handle(b, (struct core_event){ .kind = CORE_JOB_ARRIVED, .u.arrived = &spec });
    uint64_t spent_ns = mono_ns() - begin_ns;
    return was_dispatched(b) ? (uint32_t)spent_ns : 0;
}

static int compare(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return x < y ? -1 : x > y;
}

static double us_at(const struct bench *b, size_t len, size_t permille)
{
    size_t i = len * permille / 1000;

    return b->samples_ns[i < len ? i : len - 1] / 1000.0;
}

static void measure(struct bench *b, uint64_t row_ms)
{
    size_t len = 0, failed = 0;

    for (size_t i = 0; i < b->running_max; i++) /* warm, and filled */
        (void)place(b);
    uint64_t begin_ms = clock_mono_ms();
    while (len < SAMPLES_MAX && (len == 0 || clock_mono_ms() - begin_ms < row_ms)) {
        b->samples_ns[len] = place(b);
        failed += b->samples_ns[len++] == 0;
    }
    qsort(b->samples_ns, len, sizeof(*b->samples_ns), compare);
    (void)printf("%-20s %7u %9.1f %9.1f %9.1f %9zu %7zu\n", b->row->name, b->workers,
                 us_at(b, len, 500), us_at(b, len, 990), us_at(b, len, 999), len, failed);
}

int main(int argc, char **argv)
{
    static const unsigned sizes[] = { 10, 100, 1000, 10000 };
    struct bench *b = mem_alloc(1, sizeof(*b));
    uint64_t row_ms = 500;

    if (argc > 1 && !parse_u64_str(str_of(argv[1]), &row_ms))
        return 2;
    b->samples_ns = mem_alloc(SAMPLES_MAX, sizeof(*b->samples_ns));
    (void)printf("%-20s %7s %9s %9s %9s %9s %7s\n", "one job placed, us", "workers", "p50", "p99",
                 "p99.9", "samples", "failed");
    for (size_t r = 0; r < sizeof(rows) / sizeof(*rows); r++) {
        for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
            b->row = &rows[r];
            b->workers = sizes[i];
            if (begin(b))
                measure(b, row_ms);
            end(b);
        }
    }
    free(b->samples_ns);
    free(b);
    return 0;
}
