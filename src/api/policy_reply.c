#include "api/policy_reply.h"

#include "api/queen.h"
#include "proxy/job_table.h"

#include <stdio.h>

enum { UNTRIED_RETRY_MS = 2000 };

/* --- Answers --------------------------------------------------------------- */

void policy_reply(struct http_request *req, const struct operation *op, unsigned status,
                  struct str json)
{
    struct queen *q = http_request_app(req);

    if (op && status < 300)
        job_table_reply_result(q->jobs, req, op->name, json);
    else
        http_reply(req, status, "application/json", json);
}

void policy_reply_with(struct http_request *req, const struct operation *op,
                       void (*write)(const void *data, struct json_out *out), const void *data)
{
    struct json_out out;
    struct buf json;

    buf_init(&json, POLICY_REPLY_BYTES_MAX);
    json_out_init(&out, &json);
    json_begin(&out, NULL, '{');
    write(data, &out);
    json_end(&out);
    policy_reply(req, op, 200, buf_str(&json));
    buf_deinit(&json);
}

void policy_reply_invalid(struct http_request *req, const struct diagnostics *d,
                          const struct validation_result *validation)
{
    const struct diagnostic *first = policy_first_error(d);
    char words[DIAGNOSTIC_MESSAGE_SIZE + 64], place[24] = "";
    struct json_out out;
    struct buf json;

    if (first && first->line > 0)
        (void)snprintf(place, sizeof(place), "line %u: ", first->line);
    (void)snprintf(words, sizeof(words), "the policy is not valid: %s%s", place,
                   first ? first->message : "see its diagnostics");
    buf_init(&json, POLICY_REPLY_BYTES_MAX);
    json_out_init(&out, &json);
    json_begin(&out, NULL, '{');
    json_begin(&out, "error", '{');
    json_str(&out, "code", "policy_invalid");
    json_str(&out, "message", words);
    json_str(&out, "correlation_id", http_request_id(req));
    json_end(&out);
    if (validation) {
        policy_write_validation(&out, validation);
    } else {
        json_bool(&out, "valid", false);
        policy_write_diagnostics(&out, d);
    }
    json_end(&out);
    http_reply(req, 422, "application/json", buf_str(&json));
    buf_deinit(&json);
}

void policy_reply_untried(struct http_request *req, const char *what, const struct diagnostics *d)
{
    const struct diagnostic *first = policy_first_error(d);
    struct err err;

    (void)err_set(&err, ERR_UNAVAILABLE, "%s: %s", what,
                  first ? first->message : "no policy host starts");
    err.retry_after_ms = UNTRIED_RETRY_MS;
    http_reply_error(req, &err);
}

/* --- Members ---------------------------------------------------------------- */

const struct diagnostic *policy_first_error(const struct diagnostics *d)
{
    for (size_t i = 0; i < d->len; i++) {
        if (!d->items[i].is_warning)
            return &d->items[i];
    }
    return NULL;
}

void policy_write_diagnostics(struct json_out *out, const struct diagnostics *d)
{
    json_begin(out, "diagnostics", '[');
    for (size_t i = 0; i < d->len; i++) {
        const struct diagnostic *item = &d->items[i];
        json_begin(out, NULL, '{');
        json_str(out, "severity", item->is_warning ? "warning" : "error");
        json_uint(out, "line", item->line);
        json_uint(out, "column", item->column);
        json_str(out, "message", item->message);
        if (item->rule[0])
            json_str(out, "rule", item->rule);
        json_end(out);
    }
    json_end(out);
    if (d->errors + d->warnings > d->len)
        json_uint(out, "diagnostics_omitted", d->errors + d->warnings - d->len);
}

void policy_write_validation(struct json_out *out, const struct validation_result *v)
{
    json_bool(out, "valid", v->is_valid);
    policy_write_diagnostics(out, &v->diagnostics);
    json_begin(out, "measured", '{');
    json_uint(out, "calls", v->measured.calls);
    json_uint(out, "p50_us", v->measured.p50_us);
    json_uint(out, "p99_us", v->measured.p99_us);
    json_uint(out, "memory_bytes", v->measured.memory_bytes);
    json_end(out);
    json_begin(out, "tried", '{');
    json_uint(out, "generated", v->tried.generated);
    json_uint(out, "real", v->tried.real);
    json_end(out);
}

void policy_write_version(struct json_out *out, const struct policy_version *v, bool is_active)
{
    bool has_text = v->bytes > 0;

    json_str(out, "name", v->name);
    json_uint(out, "version", v->version);
    json_str(out, "language", has_text ? script_language_name(v->language) : NULL);
    json_str(out, "hash", has_text ? v->hash : NULL);
    json_str(out, "message", v->message);
    if (v->created_ms > 0)
        json_time(out, "created_at", v->created_ms);
    else
        json_null(out, "created_at"); /* built in */
    json_uint(out, "bytes", v->bytes);
    json_bool(out, "active", is_active);
    json_begin(out, "header", '{');
    json_str(out, "name", v->header.name);
    json_str(out, "version", v->header.version);
    json_str(out, "description", v->header.description);
    json_end(out);
}

void policy_write_log(struct json_out *out, struct str log, bool is_cut)
{
    json_begin(out, "log", '[');
    while (log.len > 0) {
        const char *end = memchr(log.p, '\n', log.len);
        size_t len = end ? (size_t)(end - log.p) : log.len;
        json_strn(out, NULL, (struct str){ log.p, len });
        log.p += len + (end != NULL);
        log.len -= len + (end != NULL);
    }
    json_end(out);
    if (is_cut)
        json_bool(out, "log_cut", true);
}
