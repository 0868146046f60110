/*
 * What a user policy's decision costs, end to end: the question over the socket, the policy in
 * its sealed host, the answer back in the loop. And what it costs to kill and replace a host.
 *
 *     sandbox_bench [SECONDS PER ROW]
 *
 * Figures are of this machine as it is now: compare them with one another, and look at the
 * median first.
 */
#include "base/clock.h"
#include "base/mem.h"
#include "base/parse.h"
#include "sandbox/sandbox.h"
#include "snapshot/context.h"

#include <stdio.h>

enum { SAMPLES_MAX = 200 * 1000, KILLS = 50, MODELS = 4, MATCHES = 64 };

static const char chain_source[] =
    "function schedule_job(job, pools, workers)\n"
    "  return workers:with_model(job.model_ref):idle():least_loaded()\n"
    "end\n";

static const struct bench_policy {
    const char *name;
    enum script_language language;
    const char *source;
    bool is_narrow; /* MATCHES workers have the model, however many there are */
} policies[] = {
    { "helpers (Lua)", SCRIPT_LUA, chain_source, false },
    { "helpers, 64", SCRIPT_LUA, chain_source, true },
    { "closures (Lua)", SCRIPT_LUA,
      "function schedule_job(job, pools, workers)\n"
      "  local model = job.model_ref\n"
      "  return workers:filter(function(w) return w.model_ref == model and w.active < w.slots "
      "end)\n"
      "    :min_by(function(w) return w.cpu_pct end)\n"
      "end\n",
      false },
    { "one rule (YAML)", SCRIPT_YAML,
      "rules:\n"
      "  - name: all\n"
      "    condition: true\n"
      "    action:\n"
      "      select: \"workers.least_loaded()\"\n",
      false },
    { "closures (Rhai)", SCRIPT_RHAI,
      "fn schedule_job(job, pools, workers) {\n"
      "  workers.filter(|w| w.model_ref == job.model_ref && w.active < w.slots)\n"
      "    .min_by(|w| w.cpu_pct)\n"
      "}\n",
      false },
};

static const char loop_source[] = "function schedule() while true do end end";

struct bench {
    struct loop *loop;
    struct sandbox *sandbox;
    struct region *region;
    struct sandboxed *policy;
    bool is_loaded, is_refused, is_answered;
    enum policy_failure failure;
    char message[POLICY_MESSAGE_SIZE];
    uint64_t round_trip_us, time_us;
    uint64_t *samples_us;
};

/* --- Callbacks ----------------------------------------------------------------------- */

static void on_loaded(void *data, const struct wire_loaded *loaded, const struct script_lua *lua)
{
    struct bench *b = data;

    (void)loaded;
    (void)lua;
    b->is_loaded = true;
    loop_stop(b->loop);
}

static void on_refused(void *data, enum policy_failure failure, const struct diagnostics *d)
{
    struct bench *b = data;

    (void)printf("  refused: %d %s\n", (int)failure, d->items[0].message);
    b->is_refused = true;
    loop_stop(b->loop);
}

static void on_answer(void *data, const struct sandbox_answer *answer)
{
    struct bench *b = data;

    b->is_answered = true;
    b->failure = answer->answer->failure;
    b->round_trip_us = answer->round_trip_us;
    b->time_us = answer->time_us;
    (void)str_copy(b->message, sizeof(b->message), str_of(answer->answer->message));
    loop_stop(b->loop);
}

static const struct sandboxed_events events = { on_loaded, on_refused, NULL };

/* --- The world ----------------------------------------------------------------------- */

/* Model 0 is the job's. */
static unsigned model_of(unsigned i, unsigned workers, bool is_narrow)
{
    unsigned stride = workers / MATCHES;

    if (!is_narrow)
        return i % MODELS;
    return stride == 0 || (i % stride == 0 && i / stride < MATCHES) ? 0 : 1 + i % (MODELS - 1);
}

/* `workers` of them, all idle, each fourth with the job's model unless `is_narrow`. */
static void make_region(struct bench *b, unsigned workers, bool is_narrow)
{
    struct buf json;
    struct err err;

    buf_init(&json, CONTEXT_BYTES_MAX);
    (void)buf_puts(&json, "{\"queue\":[{\"id\":\"job-1\",\"model_ref\":\"m0\"}],\"workers\":[");
    for (unsigned i = 0; i < workers; i++)
        (void)buf_printf(&json,
                         "%s{\"id\":\"worker-%u\",\"pool_id\":\"hive-%u\",\"status\":\"ready\","
                         "\"model_ref\":\"m%u\",\"slots\":4,\"cpu_pct\":%u}",
                         i ? "," : "", i, i / 16, model_of(i, workers, is_narrow), i * 37 % 100);
    (void)buf_puts(&json, "]}");
    b->region = region_new(sizeof(struct snapshot), 1 << 20, NULL);
    if (context_read(b->region, buf_str(&json), 1700000000000, &err) < 0)
        (void)printf("  %s\n", err.msg);
    buf_deinit(&json);
}

static bool load(struct bench *b, const struct bench_policy *policy)
{
    const struct sandboxed_options options = {
        .language = policy->language,
        .source = str_of(policy->source),
        .name = policy->name,
        .is_live = true,
        .events = &events,
        .data = b,
    };

    b->is_loaded = b->is_refused = false;
    b->policy = sandboxed_new(b->sandbox, &options);
    while (!b->is_loaded && !b->is_refused)
        loop_run(b->loop);
    return b->is_loaded;
}

static void ask(struct bench *b, enum ask_kind kind)
{
    const struct policy_call call = { .kind = kind, .job = kind == ASK_JOB ? 0 : SNAP_NONE };

    b->is_answered = false;
    sandboxed_ask(b->policy, b->region, &call, 1, on_answer, b);
    while (!b->is_answered)
        loop_run(b->loop);
}

/* --- Figures ------------------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return x < y ? -1 : x > y;
}

static uint64_t at_permille(const struct bench *b, size_t len, size_t permille)
{
    size_t i = len * permille / 1000;

    return b->samples_us[i < len ? i : len - 1];
}

static void measure(struct bench *b, const struct bench_policy *policy, unsigned workers,
                    uint64_t row_us)
{
    size_t len = 0, failed = 0;

    if (!load(b, policy))
        return;
    for (int i = 0; i < 100; i++) /* warm */
        ask(b, ASK_JOB);
    uint64_t begin_us = clock_mono_us(), now_us = begin_us;
    for (; len < SAMPLES_MAX && now_us - begin_us < row_us; now_us = clock_mono_us()) {
        ask(b, ASK_JOB);
        failed += b->failure != POLICY_OK;
        b->samples_us[len++] = b->round_trip_us;
    }
    qsort(b->samples_us, len, sizeof(*b->samples_us), compare);
    (void)printf("%-16s %6u %8zu %8zu %8zu %10zu %8zu %s\n", policy->name, workers,
                 (size_t)at_permille(b, len, 500), (size_t)at_permille(b, len, 990),
                 (size_t)at_permille(b, len, 999),
                 (size_t)((uint64_t)len * 1000000 / (now_us - begin_us + 1)), failed,
                 failed ? b->message : "");
}

static void measure_all(struct bench *b, uint64_t row_us)
{
    static const unsigned sizes[] = { 10, 100, 1000, 10000 };

    (void)printf("%-16s %6s %8s %8s %8s %10s %8s\n", "round trip, us", "workers", "p50", "p99",
                 "p99.9", "a second", "failed");
    for (size_t p = 0; p < sizeof(policies) / sizeof(*policies); p++) {
        for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
            make_region(b, sizes[i], policies[p].is_narrow);
            measure(b, &policies[p], sizes[i], row_us);
            sandboxed_free(TAKE(b->policy));
            region_free(b->region);
        }
    }
}

static void print_kills(const struct bench *b, const char *what, const uint64_t *samples)
{
    uint64_t sorted[KILLS];

    (void)b;
    memcpy(sorted, samples, sizeof(sorted));
    qsort(sorted, KILLS, sizeof(*sorted), compare);
    (void)printf("%-40s %8zu %8zu\n", what, (size_t)sorted[KILLS / 2], (size_t)sorted[KILLS - 1]);
}

/* A policy that never ends, until it has been killed often enough. */
static void measure_kills(struct bench *b)
{
    const struct bench_policy hanging = { "hanging", SCRIPT_LUA, loop_source, false };
    uint64_t overshoot_us[KILLS], kill_us[KILLS], replace_us[KILLS];
    struct sandboxed_stats state;
    struct sandbox_stats stats;

    make_region(b, 10, false);
    if (!load(b, &hanging))
        return;
    for (int i = 0; i < KILLS; i++) {
        do {
            (void)loop_turn(b->loop);
            sandboxed_get_stats(b->policy, &state);
        } while (!state.has_spare);
        ask(b, ASK_SCHEDULE);
        if (b->failure != POLICY_TIMEOUT)
            (void)printf("  %s\n", b->message);
        sandbox_get_stats(b->sandbox, &stats);
        overshoot_us[i] = b->round_trip_us - 20 * 1000;
        kill_us[i] = stats.kill_us_last;
        replace_us[i] = stats.replace_us_last;
    }
    (void)printf("\n%-40s %8s %8s\n", "kill and replace, us", "p50", "max");
    print_kills(b, "beyond the hard limit until answered", overshoot_us);
    print_kills(b, "loop time of a kill", kill_us);
    print_kills(b, "start of a host until it can be asked", replace_us);
    sandboxed_free(TAKE(b->policy));
    region_free(b->region);
}

static bool open_sandbox(struct bench *b, struct sandbox_options *options)
{
    char words[320];

    options->host_path = POLICY_HOST;
    b->sandbox = sandbox_new(b->loop, options);
    if (sandbox_state(b->sandbox, words, sizeof(words)) == POLICY_OK)
        return true;
    (void)printf("no sandbox here: %s\n", words);
    return false;
}

int main(int argc, char **argv)
{
    struct bench b = { .loop = loop_new(NULL, NULL) };
    struct sandbox_options options;
    uint64_t seconds = 2;

    if (argc > 1 && !parse_u64_str(str_of(argv[1]), &seconds))
        return 2;
    b.samples_us = mem_alloc(SAMPLES_MAX, sizeof(*b.samples_us));
    sandbox_options_init(&options);
    bool is_open = open_sandbox(&b, &options);
    if (is_open)
        measure_all(&b, seconds * 1000000);
    sandbox_free(b.sandbox);

    /* The soft limit out of the way, the breaker never open, starvation no excuse. */
    options.soft_ms = 1000;
    options.hard_ms = 20;
    options.guilty_cpu_ms = 0;
    options.strikes_ms = 0;
    if (is_open && open_sandbox(&b, &options))
        measure_kills(&b);
    sandbox_free(is_open ? b.sandbox : NULL);
    loop_free(b.loop);
    free(b.samples_us);
    return is_open ? 0 : 1;
}
