#include "http/client.h"

#include "base/buf.h"
#include "base/mem.h"

struct http_fetch {
    struct http_call *call;
    http_fetch_fn *on_done;
    void *data;
    struct buf body;
    unsigned status;
};

static void fetch_free(struct http_fetch *f)
{
    buf_deinit(&f->body);
    free(f);
}

static void on_head(void *data, struct http_call *call, unsigned status)
{
    struct http_fetch *f = data;

    (void)call;
    f->status = status;
}

static void on_body(void *data, struct http_call *call, struct str piece)
{
    struct http_fetch *f = data;
    struct err err = { 0 };

    if (buf_add(&f->body, piece.p, piece.len))
        return;
    http_call_cancel(call);
    (void)err_set(&err, ERR_LIMIT, "the answer is longer than %zu bytes", f->body.max);
    f->on_done(f->data, HTTP_CALL_GARBAGE, f->status, (struct str){ 0 }, &err);
    fetch_free(f);
}

static void on_end(void *data, enum http_call_end how, const struct err *err)
{
    struct http_fetch *f = data;

    f->on_done(f->data, how, f->status, buf_str(&f->body), err);
    fetch_free(f);
}

struct http_fetch *http_fetch_start(struct http_client *c, const struct http_call_options *options,
                                    size_t answer_bytes_max, http_fetch_fn *on_done, void *data)
{
    static const struct http_call_events events = {
        .on_head = on_head,
        .on_body = on_body,
        .on_end = on_end,
    };
    struct http_fetch *f = mem_alloc(1, sizeof(*f));

    f->on_done = on_done;
    f->data = data;
    buf_init(&f->body, answer_bytes_max);
    f->call = http_call_start(c, options, &events, f);
    return f;
}

void http_fetch_cancel(struct http_fetch *f)
{
    if (!f)
        return;
    http_call_cancel(f->call);
    fetch_free(f);
}
