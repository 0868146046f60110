#include "api/policy_simulation.h"

#include "api/policy_reply.h"
#include "base/mem.h"
#include "policy/decision_json.h"

/* Begun anew where the machine was too busy: what the script has kept must be right. */
enum { RESTARTS_MAX = 10 };

struct simulation {
    struct simulation_options options; /* `source` and `name` are the asker's by now */
    struct asker *asker;
    unsigned made, restarts; /* calls; of all of it */
    bool is_spent;           /* the host is to be a new one for the next call */
    struct buf json;
    struct json_out out;
};

void simulation_cancel(struct simulation *s)
{
    if (!s)
        return;
    asker_free(s->asker);
    buf_deinit(&s->json);
    free(s);
}

static void end(struct simulation *s, const struct err *err)
{
    s->options.on_done(s->options.data, buf_str(&s->json), err);
    simulation_cancel(s);
}

static void end_well(struct simulation *s)
{
    struct err err;

    json_end(&s->out);
    json_end(&s->out);
    if (s->json.overflowed)
        (void)err_param(&err, ERR_LIMIT, "calls", "the answer grew too long: ask for fewer calls");
    end(s, s->json.overflowed ? &err : NULL);
}

/* Each call draws other numbers; the same simulation draws the same ones again. */
static uint64_t next_seed(const struct simulation *s)
{
    const struct snapshot *context = region_bytes(asker_context(s->asker));

    return context->header.seed + s->made;
}

static void on_loaded(void *data)
{
    struct simulation *s = data;

    asker_decide(s->asker, SNAP_NONE, next_seed(s));
}

/* One call says why it does not load; what cannot run here at all is no answer about it. */
static void on_refused(void *data, enum policy_failure failure, const struct diagnostics *d)
{
    struct simulation *s = data;
    const struct diagnostic *first = policy_first_error(d);
    const char *words = first ? first->message : "it does not load";
    struct err err;

    if (failure == POLICY_SANDBOX_UNAVAILABLE) {
        (void)err_set(&err, ERR_UNAVAILABLE, "policies cannot be run here: %s", words);
        end(s, &err);
        return;
    }
    s->options.calls = 1;
    asker_decide_instead(s->asker, POLICY_LOAD, words, first ? first->line : 0, next_seed(s));
}

static void write_call(struct json_out *out, const struct asked *asked)
{
    bool failed = asked->failure != POLICY_OK;

    json_begin(out, NULL, '{');
    json_str(out, "outcome", failed ? "fallback" : "decision");
    json_str(out, "reason", failed ? policy_failure_name(asked->failure) : NULL);
    json_str(out, "message", failed ? asked->message : NULL);
    if (asked->line > 0)
        json_uint(out, "line", asked->line);
    decisions_write(out, "decision", asked->decisions->items, asked->decisions->len, asked->job_id);
    json_uint(out, "time_us", asked->time_us);
    policy_write_log(out, asked->log, asked->log_cut);
    json_end(out);
}

static void begin_answer(struct simulation *s)
{
    buf_clear(&s->json);
    json_out_init(&s->out, &s->json);
    json_begin(&s->out, NULL, '{');
    json_begin(&s->out, "calls", '[');
    s->made = 0;
}

static void on_starved(struct simulation *s, const char *message)
{
    if (s->restarts++ < RESTARTS_MAX) {
        begin_answer(s);
        asker_restart(s->asker);
        return;
    }
    s->is_spent = true;
    asker_decide_instead(s->asker, POLICY_TIMEOUT, message, 0, next_seed(s));
}

static void on_decided(void *data, const struct asked *asked)
{
    struct simulation *s = data;

    if (asked->failure == POLICY_STARVED) {
        on_starved(s, asked->message);
        return;
    }
    write_call(&s->out, asked);
    if (++s->made == s->options.calls || s->json.overflowed) {
        end_well(s);
    } else if (s->is_spent) {
        s->is_spent = false;
        asker_restart(s->asker);
    } else {
        asker_decide(s->asker, SNAP_NONE, next_seed(s));
    }
}

struct simulation *simulation_start(const struct simulation_options *options,
                                    struct region *context)
{
    static const struct asker_events events = {
        .on_loaded = on_loaded,
        .on_refused = on_refused,
        .on_decided = on_decided,
    };
    struct simulation *s = mem_alloc(1, sizeof(*s));

    s->options = *options;
    buf_init(&s->json, POLICY_REPLY_BYTES_MAX);
    begin_answer(s);
    s->asker = asker_new(
        &(struct asker_options){
            .loop = options->loop,
            .sandbox = options->sandbox,
            .is_platform = options->is_platform,
            .language = options->language,
            .source = options->source,
            .name = options->name,
            .events = &events,
            .data = s,
        },
        context);
    return s;
}
