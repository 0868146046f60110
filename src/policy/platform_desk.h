/* platform_desk - for tests of the built-in policy: one context by hand, and what the policy
 * decides about it, as a line of text ("start m attic (nobody has m)"). */
#pragma once

#include "base/mem.h"
#include "policy/platform.h"
#include "snapshot/context.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

enum { DESK_TEXT_MAX = 65536 };

struct desk {
    struct region *region;
    struct policy *policy;
    struct policy_answer answer;
    struct buf text; /* of the last answer */
};

/* The members of a context, without its braces and its time. */
static inline void desk_open(struct desk *d, const char *context)
{
    struct buf json;
    struct err err = { 0 };

    buf_init(&json, DESK_TEXT_MAX);
    (void)buf_printf(&json, "{\"now_ms\":1700000000000,%s}", context);
    d->region = region_new(sizeof(struct snapshot), 0, NULL);
    if (context_read(d->region, buf_str(&json), 0, &err) < 0)
        fail_msg("%s: %s in %s", err.param, err.msg, buf_cstr(&json));
    buf_deinit(&json);
    d->policy = platform_over(region_bytes(d->region), &err);
    if (!d->policy)
        fail_msg("%s", err.msg);
    buf_init(&d->text, DESK_TEXT_MAX);
}

static inline void desk_close(struct desk *d)
{
    policy_free(d->policy);
    region_free(d->region);
    buf_deinit(&d->text);
}

static inline struct snapshot *desk_snapshot(const struct desk *d)
{
    return (struct snapshot *)(uintptr_t)region_bytes(d->region);
}

static inline void desk_put(struct buf *text, const char *before, const char *word,
                            const char *after)
{
    if (word[0])
        (void)buf_printf(text, "%s%s%s", before, word, after);
}

static inline void desk_write(struct buf *text, const struct decision *d)
{
    (void)buf_printf(text, "%s%s", text->len > 0 ? "; " : "",
                     d->action == DECIDE_START ? "start" : decision_action_name(d->action));
    desk_put(text, " ", d->job_id, "");
    desk_put(text, " ", d->worker_id, "");
    desk_put(text, " ", d->model, "");
    desk_put(text, " ", d->hive_id, "");
    if (d->action == DECIDE_REJECT)
        (void)buf_printf(text, " %s %u", d->code, (unsigned)d->status);
    desk_put(text, " (", d->reason, ")");
}

/* "" is to wait. */
static inline const char *desk_ask(struct desk *d, const struct policy_call *call)
{
    policy_call(d->policy, call, &d->answer);
    if (d->answer.failure != POLICY_OK)
        fail_msg("%s", d->answer.message);
    buf_clear(&d->text);
    for (size_t i = 0; i < d->answer.decisions.len; i++)
        desk_write(&d->text, &d->answer.decisions.items[i]);
    return buf_cstr(&d->text);
}

/* About the first job of the queue. */
static inline const char *desk_job(struct desk *d, uint64_t seed)
{
    return desk_ask(d, &(struct policy_call){ .kind = ASK_JOB, .job = 0, .seed = seed });
}

static inline const char *desk_queue(struct desk *d)
{
    return desk_ask(d, &(struct policy_call){ .kind = ASK_SCHEDULE, .job = SNAP_NONE });
}

static inline const char *desk_look(struct desk *d)
{
    return desk_ask(
        d, &(struct policy_call){ .kind = ASK_SCHEDULE, .job = SNAP_NONE, .look_around = true });
}

/* A table of contexts, and what is decided about the first job of each. */
struct desk_case {
    const char *context, *decided;
};

static inline void desk_compare(const struct desk_case *cases, size_t len,
                                const char *(*ask)(struct desk *d))
{
    unsigned wrong = 0;

    for (size_t i = 0; i < len; i++) {
        struct desk d;
        desk_open(&d, cases[i].context);
        const char *is = ask ? ask(&d) : desk_job(&d, 1);
        if (strcmp(is, cases[i].decided) != 0) {
            print_error("%s\n  is       '%s'\n  expected '%s'\n", cases[i].context, is,
                        cases[i].decided);
            wrong++;
        }
        desk_close(&d);
    }
    assert_int_equal(wrong, 0);
}
#define DESK_EXPECT(cases, ask) desk_compare(cases, sizeof(cases) / sizeof((cases)[0]), ask)

/* --- Contexts about one job of a model "m", pools and what they hold ---------------------- */

#define JOB              "\"id\":\"j\",\"model_ref\":\"m\",\"priority\":\"interactive\",\"prompt_tokens\":1000"
#define CONFIG           ",\"config\":"
#define WANTS(job, rest) "\"queue\":[{" job "}]," rest
#define POOLS(list)      "\"pools\":[" list "]"
/* so much main memory free, in MB */
#define POOL(id, free, more) "{\"id\":\"" id "\",\"ram_free_mb\":" free more "}"
#define LISTS                ",\"cached_models\":[\"m\"]"
#define NEEDS                ",\"models\":[{\"ref\":\"m\",\"vram_required_mb\":4000,\"size_bytes\":4000000000}]"
#define WORKER(id, pool, model, more)                                    \
    "{\"id\":\"" id "\",\"pool_id\":\"" pool "\",\"model_ref\":\"" model \
    "\",\"status\":\"ready\","                                           \
    "\"slots\":2,\"rss_mb\":5000,\"load_time_ms\":10000,\"residency_ms\":40000" more "}"
