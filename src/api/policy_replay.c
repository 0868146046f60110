#include "api/policy_replay.h"

#include "api/policy_asker.h"
#include "api/policy_past.h"
#include "api/policy_reply.h"
#include "api/queen.h"
#include "base/json.h"
#include "base/mem.h"
#include "policy/decision_json.h"

enum {
    DIFFERENCES_MAX = 1000,
    DECISION_BYTES_MAX = 128 * 1024,
    PASSED_MAX = 64,   /* records without their context, in one turn of the loop */
    RESTARTS_MAX = 10, /* where the machine was too busy, in all */
};

struct replay {
    struct replay_options options;
    struct asker *asker;
    uint64_t next; /* decision */
    unsigned restarts;
    uint64_t replayed, unavailable, same, omitted, told;
    struct loop_timer turn;
    struct buf differences, scratch;
    struct json_out out; /* into `differences` */
};

void replay_cancel(struct replay *r)
{
    if (!r)
        return;
    loop_timer_stop(&r->turn);
    asker_free(r->asker);
    buf_deinit(&r->differences);
    buf_deinit(&r->scratch);
    free(r);
}

static void end(struct replay *r, struct str json, const struct err *err)
{
    r->options.on_done(r->options.data, json, err);
    replay_cancel(r);
}

static void end_well(struct replay *r)
{
    struct json_out out;
    struct buf json;
    struct err err;

    json_end(&r->out);
    if (r->differences.overflowed) {
        (void)err_param(&err, ERR_LIMIT, "to", "the answer grew too long; take fewer decisions");
        end(r, (struct str){ 0 }, &err);
        return;
    }
    buf_init(&json, POLICY_REPLY_BYTES_MAX + 1024);
    json_out_init(&out, &json);
    json_begin(&out, NULL, '{');
    json_uint(&out, "replayed", r->replayed);
    json_uint(&out, "unavailable", r->unavailable);
    json_uint(&out, "same", r->same);
    json_raw(&out, "differences", buf_str(&r->differences));
    if (r->omitted > 0)
        json_uint(&out, "differences_omitted", r->omitted);
    json_end(&out);
    end(r, buf_str(&json), NULL);
    buf_deinit(&json);
}

/* --- The same? --------------------------------------------------------------- */

/* What a decision does, without its words; and to wait is to wait, about whatever job. */
static void write_essence(struct json *j, struct json_out *out)
{
    bool is_wait = false;

    json_object(j)
    {
        struct str raw = { 0 };

        if (json_key(j, "reason") || (is_wait && json_key(j, "job_id"))) {
            json_skip(j);
        } else if (json_key(j, "actions")) {
            json_array(j) write_essence(j, out);
        } else {
            json_strn(out, NULL, j->key);
            json_read_raw(j, &raw);
            json_strn(out, NULL, raw);
            is_wait |= json_key(j, "action") && str_eq(raw, "\"wait\"");
        }
    }
}

static void essence(struct str decision, struct buf *ret)
{
    struct json_out out;
    struct json j;

    buf_init(ret, DECISION_BYTES_MAX * 2);
    json_out_init(&out, ret);
    json_begin(&out, NULL, '[');
    json_init(&j, decision);
    write_essence(&j, &out);
    json_end(&out);
}

bool replay_is_same(struct str was, struct str would_be)
{
    struct buf a, b;

    essence(was, &a);
    essence(would_be, &b);
    bool is_same =
        buf_len(&a) == buf_len(&b) && memcmp(buf_str(&a).p, buf_str(&b).p, buf_len(&a)) == 0;
    buf_deinit(&a);
    buf_deinit(&b);
    return is_same;
}

/* --- One record after the other ------------------------------------------------- */

/* The queue is this one job: what a question about one job left of it. */
static void show_only(struct region *context, uint32_t row)
{
    static const uint32_t one = 1, none = SNAP_NONE;
    const struct snapshot *s = region_bytes(context);

    if (row == SNAP_NONE || s->header.first_job != SNAP_NONE || !snapshot_job(s, row))
        return;
    region_put(context, offsetof(struct snapshot, header.first_job), &row, sizeof(row));
    region_put(context, offsetof(struct snapshot, header.jobs_shown), &one, sizeof(one));
    region_put(context,
               offsetof(struct snapshot, jobs) + row * sizeof(struct snap_job) +
                   offsetof(struct snap_job, next),
               &none, sizeof(none));
}

/* Ask about a record; false: its context is gone. */
static bool ask(struct replay *r, const struct trace_record *record)
{
    struct region *context = asker_context(r->asker);
    struct policy_call call;

    if (!past_restore(context, r->options.policies, record))
        return false;
    trace_call(record, &call);
    show_only(context, call.job);
    asker_decide(r->asker, call.job, call.seed);
    return true;
}

static void on_turn(struct loop_timer *timer)
{
    struct replay *r = container_of(timer, struct replay, turn);

    for (unsigned passed = 0; passed < PASSED_MAX && r->next <= r->options.to; passed++) {
        const struct trace_record *record = trace_record(r->options.policies->trace, r->next);

        if (record && ask(r, record))
            return;
        r->unavailable++;
        r->next++;
    }
    if (r->next > r->options.to)
        end_well(r);
    else
        loop_timer_start(&r->turn, 0);
}

static void write_difference(struct replay *r, const struct trace_record *record,
                             const struct asked *asked)
{
    bool failed = asked->failure != POLICY_OK;

    if (r->told == DIFFERENCES_MAX || r->differences.overflowed) {
        r->omitted++;
        return;
    }
    r->told++;
    json_begin(&r->out, NULL, '{');
    json_uint(&r->out, "decision_id", trace_number(record));
    json_str(&r->out, "job_id", trace_job_id(record)[0] ? trace_job_id(record) : NULL);
    json_str(&r->out, "policy", trace_policy(record));
    json_raw(&r->out, "was", trace_decision(record));
    json_raw(&r->out, "would_be", buf_str(&r->scratch));
    json_str(&r->out, "outcome", failed ? "fallback" : "decision");
    if (failed) {
        json_str(&r->out, "reason", policy_failure_name(asked->failure));
        json_str(&r->out, "message", asked->message);
    }
    json_end(&r->out);
}

static void on_decided(void *data, const struct asked *asked)
{
    struct replay *r = data;
    const struct trace_record *record;
    struct json_out out;

    if (asked->failure == POLICY_STARVED && r->restarts++ < RESTARTS_MAX) {
        asker_restart(r->asker);
        return;
    }
    record = trace_record(r->options.policies->trace, r->next++);
    buf_clear(&r->scratch);
    json_out_init(&out, &r->scratch);
    decisions_write(&out, NULL, asked->decisions->items, asked->decisions->len, asked->job_id);
    if (!record) { /* forgotten meanwhile */
        r->unavailable++;
    } else {
        r->replayed++;
        if (asked->failure == POLICY_OK &&
            replay_is_same(trace_decision(record), buf_str(&r->scratch)))
            r->same++;
        else
            write_difference(r, record, asked);
    }
    loop_timer_start(&r->turn, 0);
}

static void on_loaded(void *data)
{
    struct replay *r = data;

    loop_timer_start(&r->turn, 0);
}

static void on_refused(void *data, enum policy_failure failure, const struct diagnostics *d)
{
    struct replay *r = data;
    const struct diagnostic *first = policy_first_error(d);
    struct err err;

    (void)err_param(&err, failure == POLICY_SANDBOX_UNAVAILABLE ? ERR_UNAVAILABLE : ERR_INVALID,
                    "policy", "the policy does not load here: %s",
                    first ? first->message : policy_failure_name(failure));
    end(r, (struct str){ 0 }, &err);
}

struct replay *replay_start(const struct replay_options *options)
{
    static const struct asker_events events = {
        .on_loaded = on_loaded,
        .on_refused = on_refused,
        .on_decided = on_decided,
    };
    struct replay *r = mem_alloc(1, sizeof(*r));
    struct policies *p = options->policies;

    r->options = *options;
    r->options.source = NULL;
    r->next = options->from;
    loop_timer_init(p->queen->loop, &r->turn, on_turn);
    buf_init(&r->scratch, DECISION_BYTES_MAX);
    buf_init(&r->differences, POLICY_REPLY_BYTES_MAX);
    json_out_init(&r->out, &r->differences);
    json_begin(&r->out, NULL, '[');
    r->asker = asker_new(
        &(struct asker_options){
            .loop = p->queen->loop,
            .sandbox = p->sandbox,
            .is_platform = options->source->is_platform,
            .language = options->source->language,
            .source = options->source->text,
            .name = options->source->file,
            .events = &events,
            .data = r,
        },
        region_new(sizeof(struct snapshot), 0, NULL));
    return r;
}
