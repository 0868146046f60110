#include "http/client_internal.h"

#include "base/mem.h"

#include <assert.h>

static void end_garbage(struct http_call *call, struct err *err)
{
    err->code = ERR_UPSTREAM;
    (void)err_wrap(err, "the answer of %s", call->pool->name);
    call_end(call, HTTP_CALL_GARBAGE, err);
}

/* Nothing is sent again from here on: give the request's memory back. */
static void drop_request(struct http_call *call)
{
    bool is_sent = call->sent == call->head_len + call->body.len &&
                   stream_queued(call->connection->stream) == 0;

    /* The peer may take what we still would send for the next request. */
    if (!is_sent)
        call->keep_alive = false;
    call->sent = call->head_len = 0;
    call->body = (struct str){ 0 };
    free(TAKE(call->head));
}

static void on_answer_head(struct http_call *call, const struct http1_head *head)
{
    call->phase = CALL_BODY;
    call->keep_alive = head->keep_alive;
    drop_request(call);
    http1_body_init(&call->framing, head);
    call->answer = head;
    if (call->events.on_head)
        call->events.on_head(call->data, call, head->status);
    call->answer = NULL;
}

/* Parse heads from the front, swallowing 1xx; bytes used. On failure it ends the call. */
static size_t receive_head(struct http_call *call, struct str bytes)
{
    struct http1_head *head = &call->client->head_scratch;
    struct err err;
    size_t used = 0;

    while (call->phase != CALL_BODY && !call->is_ended) {
        struct str rest = { bytes.p + used, bytes.len - used };
        ssize_t n = http1_parse_response(rest, call->is_head, head, &err);
        if (n > 0 && head->status == 101)
            n = err_set(&err, ERR_INVALID, "it switches protocols without being asked");
        if (n < 0)
            end_garbage(call, &err);
        if (n <= 0)
            break;
        used += (size_t)n;
        if (head->status >= 200)
            on_answer_head(call, head);
    }
    return used;
}

static void finish(struct http_call *call, bool has_more_bytes)
{
    if (has_more_bytes)
        call->keep_alive = false;
    call_end(call, HTTP_CALL_DONE, NULL);
}

static void receive_body(struct http_call *call, struct str bytes)
{
    size_t used = 0;
    bool has_given = false;
    struct err err;

    while (used < bytes.len && !call->framing.done && !call->is_ended) {
        struct str payload, rest = { bytes.p + used, bytes.len - used };
        ssize_t n = http1_body_next(&call->framing, rest, &payload, &err);
        if (n < 0) {
            end_garbage(call, &err);
            return;
        }
        used += (size_t)n;
        if (payload.len == 0)
            continue;
        has_given = true;
        call->events.on_body(call->data, call, payload);
    }
    if (has_given && !call->is_ended && call->events.on_read_end)
        call->events.on_read_end(call->data, call);
    if (call->is_ended)
        return;
    if (call->framing.done)
        finish(call, used < bytes.len);
    else
        call_arm_between(call);
}

/* Head bytes that came before and those that come now, in one piece. */
static void receive(struct http_call *call, struct str bytes)
{
    size_t used = 0;

    if (call->phase != CALL_BODY)
        used = receive_head(call, bytes);
    if (call->phase == CALL_BODY && !call->is_ended)
        receive_body(call, (struct str){ bytes.p + used, bytes.len - used });
    else if (!call->is_ended && buf_len(&call->in) == 0)
        (void)buf_add(&call->in, bytes.p + used, bytes.len - used);
    else if (!call->is_ended)
        buf_consume(&call->in, used);
}

/* A head that dribbles in is parsed again only when it can have got whole. */
static bool may_be_whole(const struct http_call *call, struct str added)
{
    return memchr(added.p, '\n', added.len) || buf_len(&call->in) >= HTTP1_HEAD_BYTES_MAX;
}

void call_on_read(struct http_call *call, struct str bytes)
{
    call->depth++;
    call->has_answer_bytes = true;
    if (buf_len(&call->in) == 0) {
        receive(call, bytes);
    } else {
        bool fits = buf_add(&call->in, bytes.p, bytes.len);
        assert(fits); /* a head that is not whole is smaller than HTTP1_HEAD_BYTES_MAX */
        if (may_be_whole(call, bytes))
            receive(call, buf_str(&call->in));
        if (call->phase == CALL_BODY)
            buf_deinit(&call->in);
    }
    call_leave(call);
}

struct str http_call_header(const struct http_call *call, const char *name)
{
    assert(call->answer);
    return http1_field_value(call->answer, name);
}

int64_t http_call_content_length(const struct http_call *call)
{
    assert(call->answer);
    if (call->answer->framing != HTTP1_LENGTH || call->answer->content_length > INT64_MAX)
        return -1;
    return (int64_t)call->answer->content_length;
}
