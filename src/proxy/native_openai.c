/* A native job at a worker that has only the OpenAI routes: one streamed completion,
 * whose deltas are the tokens. Hanging up stops it. */
#include "proxy/completion.h"
#include "proxy/native_internal.h"
#include "proxy/refusal.h"

/* clang-format off */
static const struct {
    const char *finish_reason, *stop_reason;
} stop_reasons[] = {
    { "length",         "MAX_TOKENS"     },
    { "stop",           "EOS"            },
    { "tool_calls",     "TOOL_CALLS"     },
    { "content_filter", "CONTENT_FILTER" },
};
/* clang-format on */

static void set_stop_reason(struct native_run *run, struct str finish_reason)
{
    const char *reason = "OTHER";

    for (size_t i = 0; i < sizeof(stop_reasons) / sizeof(stop_reasons[0]); i++) {
        if (str_eq(finish_reason, stop_reasons[i].finish_reason))
            reason = stop_reasons[i].stop_reason;
    }
    (void)str_copy(run->result.stop_reason, sizeof(run->result.stop_reason), str_of(reason));
}

/* Some servers never give a finish reason. */
static void on_done_marker(struct native_run *run)
{
    worker_call_done(&run->call);
    if (run->has_end || run->tokens == 0)
        return;
    run->has_end = true;
    set_stop_reason(run, str_of("stop"));
}

static void note(struct native_run *run, const struct completion *c)
{
    if (c->has_content) /* also reasoning, which is no token of the answer */
        worker_call_started(&run->call);
    if (c->finish.p) {
        run->has_end = true;
        set_stop_reason(run, c->finish);
    }
    if (c->has_usage) {
        run->result.usage = c->usage;
    }
    if (c->decode_time_ms > 0)
        run->result.decode_time_ms = c->decode_time_ms;
}

static bool fail_by_frame(struct str json, struct run_fault *fault)
{
    struct refusal refusal;

    refusal_read(json, &refusal);
    return run_fault_set(fault, RUN_REFUSED, "Worker returned error: %s",
                         refusal.message[0] ? refusal.message : "no reason given");
}

static bool on_event(void *data, const struct sse_event *event, struct run_fault *fault)
{
    struct native_run *run = data;
    struct completion c;
    struct err err;

    if (!event->data.p)
        return true;
    if (str_eq(event->data, "[DONE]")) {
        on_done_marker(run);
        return true;
    }
    if (completion_read(event->data, &c, &err) < 0)
        return run_fault_set(fault, RUN_REFUSED, "Worker sent an event that is no completion: %s",
                             err.msg);
    if (c.error.p)
        return fail_by_frame(event->data, fault);
    note(run, &c);
    return !c.text.p || native_run_tell_token(run, c.text, fault);
}

static void on_open(void *data)
{
    struct native_run *run = data;

    buf_deinit(&run->body);
    native_run_tell_started(run);
}

static void on_end(void *data, const struct worker_call_end *end)
{
    struct native_run *run = data;
    struct run_fault fault = { 0 };

    if (end->how != WORKER_CALL_ENDED) {
        native_run_fail(run, end->fault);
    } else if (!run->has_end) {
        (void)run_fault_set(&fault, RUN_DIED, "Worker ended its stream in the middle");
        native_run_fail(run, &fault);
    } else {
        native_run_end(run);
    }
}

static void start(struct native_run *run, const struct native_run_options *options)
{
    static const struct worker_call_events events = {
        .on_open = on_open,
        .on_event = on_event,
        .on_end = on_end,
    };
    bool is_chat;

    native_body_write(options, WORKER_KIND_OPENAI, &run->body, &is_chat);
    native_run_call(run, "POST", str_of(is_chat ? "/v1/chat/completions" : "/v1/completions"),
                    WORKER_CALL_STREAM, "Failed to send request to worker", &events);
}

static bool leave(struct native_run *run)
{
    (void)run;
    return false;
}

const struct native_kind native_openai = { .start = start, .leave = leave };
