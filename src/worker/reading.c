#include "worker/reading.h"

#include "base/mem.h"
#include "http/server.h"
#include "worker/worker.h"

enum { LOADING_RETRY_MS = 2000, HELD_RETRY_MS = 1000 };

struct reading {
    struct worker *worker;
    struct http_request *req; /* NULL: the client has left */
    enum inference_form form;
    reading_fn *then;
    char *body;
    size_t body_len;
    struct inference_request *request; /* the result, or ... */
    struct err err;
};

static int check_model(const struct worker *w, const struct inference_request *r, struct err *err)
{
    if (r->model[0] == '\0' || strcmp(r->model, w->options->ref) == 0)
        return 0;
    return err_param(err, ERR_MODEL_NOT_FOUND, "model",
                     "the model '%s' is not here; this worker serves '%s'", r->model,
                     w->options->ref);
}

static void read_body(void *data) /* maybe on the pool */
{
    struct reading *reading = data;

    if (inference_request_parse(reading->form, TAKE(reading->body), reading->body_len,
                                &reading->request, &reading->err) < 0)
        reading->request = NULL;
}

static void finish(void *data)
{
    AUTO(free_ptr) struct reading *reading = data;
    struct inference_request *r = reading->request;

    if (!r)
        reading->worker->held_bytes -= reading->body_len;
    else
        r->held_bytes = &reading->worker->held_bytes;
    if (r && (!reading->req || check_model(reading->worker, r, &reading->err) < 0))
        inference_request_free(TAKE(r));
    if (r)
        reading->then(reading->req, r);
    else if (reading->req)
        http_reply_error(reading->req, &reading->err);
}

static int admit(struct worker *w, size_t body_len, struct err *err)
{
    struct engine_stats now;

    engine_get_stats(w->engine, &now);
    if (!now.is_loaded) {
        (void)err_set(err, ERR_UNAVAILABLE, "the model '%s' is still being loaded",
                      w->options->ref);
        err->retry_after_ms = LOADING_RETRY_MS;
        return err->code;
    }
    if (w->held_bytes > READING_HELD_BYTES_MAX - body_len) {
        (void)err_set(err, ERR_LIMIT, "too many large prompts at once; try again later");
        err->retry_after_ms = HELD_RETRY_MS;
        return err->code;
    }
    return 0;
}

static void on_gone(void *data)
{
    ((struct reading *)data)->req = NULL;
}

void reading_start(struct http_request *req, enum inference_form form, reading_fn *then)
{
    static const struct http_watch watch = { .on_gone = on_gone };
    struct worker *w = http_request_app(req);
    size_t len = http_request_body(req).len;
    struct err err;

    if (admit(w, len, &err) < 0) {
        http_reply_error(req, &err);
        return;
    }
    struct reading *reading = mem_alloc(1, sizeof(*reading));
    *reading = (struct reading){ .worker = w, .req = req, .form = form, .then = then };
    reading->body = http_request_take_body(req, &reading->body_len);
    w->held_bytes += reading->body_len;
    if (len <= READING_INLINE_BYTES_MAX) {
        read_body(reading);
        finish(reading);
    } else {
        http_request_watch(req, &watch, reading);
        loop_offload(w->loop, read_body, finish, reading);
    }
}
