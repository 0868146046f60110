#include "proxy/native_internal.h"

#include "base/arena.h"
#include "base/json.h"
#include "base/mem.h"
#include "proxy/proxy_internal.h"

#include <assert.h>

static const struct native_kind *const kinds[] = {
    [WORKER_KIND_RBEE] = &native_rbee,
    [WORKER_KIND_OPENAI] = &native_openai,
};
static_assert(sizeof(kinds) / sizeof(kinds[0]) == WORKER_KIND_COUNT_, "a worker kind has no row");

/* --- Begin and end ------------------------------------------------------- */

struct native_run *native_run_start(struct proxy *proxy, const struct native_run_options *options,
                                    const struct native_run_events *events, void *data)
{
    struct native_run *run = mem_alloc(1, sizeof(*run));

    run->kind = kinds[options->worker->kind];
    run->proxy = proxy;
    run->events = events;
    run->data = data;
    run->worker = *options->worker;
    list_init(&run->leaving);
    (void)str_copy(run->request_id, sizeof(run->request_id), options->request_id);
    (void)str_copy(run->traceparent, sizeof(run->traceparent), options->traceparent);
    run->kind->start(run, options);
    return run;
}

void native_run_free(struct native_run *run)
{
    if (!list_is_empty(&run->leaving)) {
        list_remove(&run->leaving);
        run->proxy->runs_leaving_len--;
    }
    worker_call_close(&run->call);
    buf_deinit(&run->body);
    buf_deinit(&run->accepted);
    free(run);
}

/* The owner hears no more of it; the worker may still have to. */
static void leave(struct native_run *run)
{
    struct proxy *p = run->proxy;

    run->events = NULL;
    if (p->runs_leaving_len >= PROXY_LEAVING_MAX || !run->kind->leave(run)) {
        native_run_free(run);
        return;
    }
    list_push_back(&p->runs_leaving, &run->leaving);
    p->runs_leaving_len++;
}

void native_run_cancel(struct native_run *run)
{
    if (run)
        leave(run);
}

void native_run_end(struct native_run *run)
{
    struct native_run_result result = run->result;

    if (result.usage.tokens_out == 0)
        result.usage.tokens_out = run->tokens;
    if (result.decode_time_ms == 0 && run->tokens > 0)
        result.decode_time_ms = loop_now_ms(run->proxy->loop) - run->first_token_ms;
    run->events->on_end(run->data, &result);
    native_run_free(run);
}

void native_run_fail(struct native_run *run, const struct run_fault *fault)
{
    const struct native_run_events *events = run->events;
    void *data = run->data;
    enum run_failure failure = run->tokens > 0 ? RUN_BROKEN : fault->failure;

    leave(run); /* first: another worker may be asked inside on_failed */
    events->on_failed(data, failure, &fault->err);
}

void native_run_pause(struct native_run *run)
{
    worker_call_pause(&run->call);
}

void native_run_resume(struct native_run *run)
{
    worker_call_resume(&run->call);
}

/* --- For the kinds ------------------------------------------------------- */

void native_run_call(struct native_run *run, const char *method, struct str target,
                     enum worker_call_type type, const char *doing,
                     const struct worker_call_events *events)
{
    const struct worker_call_options options = {
        .worker = &run->worker,
        .method = method,
        .target = target,
        .body = buf_str(&run->body),
        .request_id = str_of(run->request_id),
        .traceparent = str_of(run->traceparent),
        .type = type,
        .doing = doing,
    };

    worker_call_start(&run->call, run->proxy, &options, events, run);
}

void native_run_tell_started(struct native_run *run)
{
    if (run->has_started)
        return;
    run->has_started = true;
    run->events->on_started(run->data);
}

bool native_run_tell_token(struct native_run *run, struct str raw, struct run_fault *fault)
{
    struct arena arena;
    struct str text = { 0 };
    struct json j;
    struct err err;

    arena_init(&arena, NATIVE_TEXT_BYTES_MAX);
    json_init(&j, raw);
    json_read_str(&j, &arena, &text);
    bool is_text = json_finish(&j, &err) == 0;
    if (is_text && text.len > 0) {
        native_run_tell_started(run);
        worker_call_started(&run->call);
        if (run->tokens == 0)
            run->first_token_ms = loop_now_ms(run->proxy->loop);
        run->events->on_token(run->data, text, run->tokens++);
    }
    arena_deinit(&arena);
    return is_text || run_fault_set(fault, RUN_REFUSED, "Worker sent a token that is no text");
}
