/*
 * What one decision costs inside a policy's state: policy_call() over a snapshot made for it,
 * without sockets and processes (for those: sandbox_bench).
 *
 *     policy_bench [MILLISECONDS PER ROW]
 *
 * "64": so many workers hold the job's model, whatever the number of workers; "all": each of
 * them does. They have room, but for "full", where the job has to wait. Compare the figures with
 * one another, the median first.
 */
#include "base/clock.h"
#include "base/mem.h"
#include "base/parse.h"
#include "policy/platform.h"
#include "snapshot/context.h"

#include <stdio.h>
#include <time.h>

enum { SAMPLES_MAX = 1000 * 1000, MATCHES = 64, WORKERS_PER_POOL = 16 };

static const struct bench_policy {
    const char *name;
    enum script_language language;
    const char *source; /* NULL: the platform policy */
    bool matches_all, is_full;
} policies[] = {
    { "platform, 64", SCRIPT_LUA, NULL, false, false },
    { "platform, 64 full", SCRIPT_LUA, NULL, false, true },
    { "platform, all", SCRIPT_LUA, NULL, true, false },
    { "helpers (Lua), 64", SCRIPT_LUA,
      "function schedule_job(job, pools, workers)\n"
      "  return workers:with_model(job.model_ref):idle():least_loaded()\n"
      "end\n",
      false, false },
    { "closures (Lua), 64", SCRIPT_LUA,
      "function schedule_job(job, pools, workers)\n"
      "  return workers:filter(function(w) return w.model_ref == job.model_ref end)\n"
      "    :min_by(function(w) return w.active end)\n"
      "end\n",
      false, false },
    { "one rule (YAML), 64", SCRIPT_YAML,
      "rules:\n"
      "  - name: all\n"
      "    condition: true\n"
      "    action:\n"
      "      select: \"workers.least_loaded()\"\n",
      false, false },
    { "closures (Rhai), 64", SCRIPT_RHAI,
      "fn schedule_job(job, pools, workers) {\n"
      "  workers.filter(|w| w.model_ref == job.model_ref).min_by(|w| w.active)\n"
      "}\n",
      false, false },
};

struct bench {
    struct region *region;
    struct policy *policy;
    struct policy_answer answer;
    uint32_t *samples_ns;
};

/* --- The world ----------------------------------------------------------------------- */

static bool has_model(unsigned i, unsigned workers, bool matches_all)
{
    unsigned stride = workers / MATCHES;

    return matches_all || stride < 2 || (i % stride == 0 && i / stride < MATCHES);
}

static void make_region(struct bench *b, unsigned workers, const struct bench_policy *policy)
{
    struct buf json;
    struct err err;

    buf_init(&json, CONTEXT_BYTES_MAX);
    (void)buf_puts(&json, "{\"queue\":[{\"id\":\"job-1\",\"model_ref\":\"m0\","
                          "\"priority\":\"interactive\",\"prompt_tokens\":900}],\"workers\":[");
    for (unsigned i = 0; i < workers; i++)
        (void)buf_printf(&json,
                         "%s{\"id\":\"worker-%u\",\"pool_id\":\"hive-%u\",\"status\":\"ready\","
                         "\"model_ref\":\"m%u\",\"slots\":8,\"active\":%u,\"in_flight\":%u,"
                         "\"queued_prefill_tokens\":%u,\"tokens_per_s\":%u,\"cpu_pct\":%u}",
                         i ? "," : "", i, i / WORKERS_PER_POOL,
                         has_model(i, workers, policy->matches_all) ? 0 : 1 + i % 40,
                         policy->is_full ? 8 : i % 7, i % 7, i * 131 % 4000, 20 + i % 60,
                         i * 37 % 100);
    (void)buf_puts(&json, "]}");
    b->region = region_new(sizeof(struct snapshot), 0, NULL);
    if (context_read(b->region, buf_str(&json), 1700000000000, &err) < 0)
        (void)printf("  %s\n", err.msg);
    buf_deinit(&json);
}

static bool load(struct bench *b, const struct bench_policy *policy)
{
    const struct policy_options options = { .snapshot = region_bytes(b->region) };
    struct diagnostics d = { .len = 0 };
    struct err err = { 0 };

    b->policy = policy->source ? policy_new(&options, policy->language, str_of(policy->source),
                                            policy->name, &d)
                               : platform_over(options.snapshot, &err);
    if (!b->policy)
        (void)printf("  %s%s\n", d.items[0].message, err.msg);
    return b->policy;
}

/* --- Figures ------------------------------------------------------------------------- */

static uint64_t mono_ns(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static uint32_t ask(struct bench *b, uint64_t seed)
{
    const struct policy_call call = { .kind = ASK_JOB, .job = 0, .seed = seed };
    uint64_t begin_ns = mono_ns();

    policy_call(b->policy, &call, &b->answer);
    return (uint32_t)(mono_ns() - begin_ns);
}

static bool is_as_expected(const struct bench *b, const struct bench_policy *policy)
{
    const struct decisions *d = &b->answer.decisions;

    return b->answer.failure == POLICY_OK &&
           (policy->is_full || (d->len == 1 && d->items[0].action == DECIDE_DISPATCH));
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

static void measure(struct bench *b, const struct bench_policy *policy, unsigned workers,
                    uint64_t row_ms)
{
    size_t len = 0, failed = 0;
    uint64_t begin_ms;

    for (uint64_t seed = 0; seed < 20; seed++) /* warm */
        (void)ask(b, seed);
    begin_ms = clock_mono_ms();
    while (len < SAMPLES_MAX && (len == 0 || clock_mono_ms() - begin_ms < row_ms)) {
        b->samples_ns[len] = ask(b, len);
        failed += !is_as_expected(b, policy);
        len++;
    }
    qsort(b->samples_ns, len, sizeof(*b->samples_ns), compare);
    (void)printf("%-20s %7u %9.1f %9.1f %9.1f %9zu %7zu %s\n", policy->name, workers,
                 us_at(b, len, 500), us_at(b, len, 990), us_at(b, len, 999), len, failed,
                 failed ? b->answer.message : "");
}

int main(int argc, char **argv)
{
    static const unsigned sizes[] = { 10, 100, 1000, 10000 };
    struct bench b = { .samples_ns = mem_alloc(SAMPLES_MAX, sizeof(*b.samples_ns)) };
    uint64_t row_ms = 500;

    if (argc > 1 && !parse_u64_str(str_of(argv[1]), &row_ms))
        return 2;
    (void)printf("%-20s %7s %9s %9s %9s %9s %7s\n", "one decision, us", "workers", "p50", "p99",
                 "p99.9", "samples", "failed");
    for (size_t p = 0; p < sizeof(policies) / sizeof(*policies); p++) {
        for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
            make_region(&b, sizes[i], &policies[p]);
            if (load(&b, &policies[p]))
                measure(&b, &policies[p], sizes[i], row_ms);
            policy_free(b.policy);
            region_free(b.region);
        }
    }
    free(b.samples_ns);
    return 0;
}
