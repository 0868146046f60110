#include "http/server_internal.h"

#include "base/json_write.h"

#include <assert.h>

enum { ERROR_BODY_BYTES_MAX = 16 * 1024 };

static void write_openai(struct json_out *o, const struct err *err)
{
    json_str(o, "message", err->msg);
    json_str(o, "type", err_type(err->code));
    json_str(o, "param", err->param[0] ? err->param : NULL);
    json_str(o, "code", err_wire_code(err));
}

static void write_native(struct json_out *o, const struct err *err, const char *request_id)
{
    json_str(o, "code", err_wire_code(err));
    json_str(o, "message", err->msg);
    if (err->param[0]) {
        json_begin(o, "details", '{');
        json_str(o, "param", err->param);
        json_end(o);
    }
    json_str(o, "correlation_id", request_id);
}

/* What a client needs to decide on a retry (PROTOCOL "Status codes"). */
static void write_advice(struct json_out *o, const struct err *err)
{
    if (err_is_retriable(err->code))
        json_bool(o, "retriable", true);
    if (err->retry_after_ms > 0)
        json_uint(o, "retry_after_ms", err->retry_after_ms);
    if (err->code == ERR_QUEUE_FULL)
        json_str(o, "policy_label", "queue");
}

/* Who refused, and in which words (PROTOCOL "refused by policy"). */
static void write_refusal(struct json_out *o, const struct err *err)
{
    json_str(o, "policy", err->policy_name);
    json_str(o, "reason", err->msg);
}

void http_error_body(const struct err *err, bool openai, const char *request_id, struct buf *out)
{
    struct json_out o;

    json_out_init(&o, out);
    json_begin(&o, NULL, '{');
    json_begin(&o, "error", '{');
    if (openai)
        write_openai(&o, err);
    else
        write_native(&o, err, request_id);
    if (!openai || err->code == ERR_QUEUE_FULL)
        write_advice(&o, err);
    if (err->code == ERR_POLICY)
        write_refusal(&o, err);
    json_end(&o);
    json_end(&o);
}

static void set_number(struct http_request *r, const char *name, uint64_t value)
{
    char digits[24];
    struct buf text;

    buf_init_fixed(&text, digits, sizeof(digits));
    (void)buf_put_uint(&text, value);
    http_reply_header(r, name, buf_str(&text));
}

static void add_headers(struct http_request *r, const struct err *err)
{
    if (err->retry_after_ms > 0) {
        set_number(r, "Retry-After", (err->retry_after_ms - 1) / 1000 + 1);
        set_number(r, "X-Backoff-Ms", err->retry_after_ms);
    }
    if (err_http_status(err->code) == 401)
        http_reply_header(r, "WWW-Authenticate", str_of("Bearer"));
}

void http_reply_error(struct http_request *r, const struct err *err)
{
    struct buf body;

    assert(err->code != ERR_OK);
    add_headers(r, err);
    buf_init(&body, ERROR_BODY_BYTES_MAX);
    http_error_body(err, r->is_openai, r->id, &body);
    http_reply(r, (unsigned)err_wire_status(err), "application/json", buf_str(&body));
    buf_deinit(&body);
}
