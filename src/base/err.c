#include "base/err.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* OpenAI's error types. */
static const char REQUEST[] = "invalid_request_error";
static const char AUTHENTICATION[] = "authentication_error";
static const char PERMISSION[] = "permission_error";
static const char POLICY[] = "policy_error";
static const char RATE[] = "rate_limit_error";
static const char SERVER[] = "server_error";

#define ROW(code) [(code)-ERR_INVALID]

/* clang-format off */
static const struct row {
    short http_status;
    bool is_retriable;
    const char *name;
    const char *type;
} rows[] = {
    ROW(ERR_INVALID)             = { 400, false, "invalid_value",              REQUEST },
    ROW(ERR_JSON)                = { 400, false, "invalid_json",               REQUEST },
    ROW(ERR_MISSING)             = { 400, false, "missing_required_parameter", REQUEST },
    ROW(ERR_CONTEXT_LENGTH)      = { 400, false, "context_length_exceeded",    REQUEST },
    ROW(ERR_OPERATION_UNKNOWN)   = { 400, false, "unknown_operation",          REQUEST },
    ROW(ERR_NO_API_KEY)          = { 401, false, "missing_api_key",            AUTHENTICATION },
    ROW(ERR_BAD_API_KEY)         = { 401, false, "invalid_api_key",            AUTHENTICATION },
    ROW(ERR_FORBIDDEN)           = { 403, false, "forbidden",                  PERMISSION },
    ROW(ERR_ORIGIN)              = { 403, false, "origin_not_allowed",         PERMISSION },
    ROW(ERR_POLICY)              = { 403, false, "policy_rejected",            POLICY },
    ROW(ERR_PLATFORM_IMMUTABLE)  = { 403, false, "platform_scheduler_immutable", PERMISSION },
    ROW(ERR_NOT_FOUND)           = { 404, false, "not_found",                  REQUEST },
    ROW(ERR_MODEL_NOT_FOUND)     = { 404, false, "model_not_found",            REQUEST },
    ROW(ERR_METHOD)              = { 405, false, "method_not_allowed",         REQUEST },
    ROW(ERR_REQUEST_TIMEOUT)     = { 408, true,  "request_timeout",            REQUEST },
    ROW(ERR_CONFLICT)            = { 409, false, "conflict",                   REQUEST },
    ROW(ERR_CAPABILITIES_WANTED) = { 409, false, "capabilities_wanted",        REQUEST },
    ROW(ERR_STREAM_EXPIRED)      = { 410, false, "stream_expired",             REQUEST },
    ROW(ERR_TOO_LARGE)           = { 413, false, "body_too_large",             REQUEST },
    ROW(ERR_CONTENT_TYPE)        = { 415, false, "unsupported_media_type",     REQUEST },
    ROW(ERR_HOST)                = { 421, false, "misdirected_request",        REQUEST },
    ROW(ERR_HEADERS_TOO_LARGE)   = { 431, false, "headers_too_large",          REQUEST },
    ROW(ERR_QUEUE_FULL)          = { 429, true,  "queue_full",                 RATE },
    ROW(ERR_RATE_LIMIT)          = { 429, true,  "rate_limit_exceeded",        RATE },
    ROW(ERR_CLIENT_GONE)         = { 499, false, "client_closed_request",      REQUEST },
    ROW(ERR_CANCELLED)           = { 499, false, "cancelled",                  REQUEST },
    ROW(ERR_INTERNAL)            = { 500, false, "internal_error",             SERVER },
    ROW(ERR_SYSTEM)              = { 500, false, "system_error",               SERVER },
    ROW(ERR_UNSUPPORTED)         = { 501, false, "operation_not_supported",    SERVER },
    ROW(ERR_WORKER)              = { 502, true,  "worker_error",               SERVER },
    ROW(ERR_UPSTREAM)            = { 502, true,  "bad_upstream",               SERVER },
    ROW(ERR_NO_WORKERS)          = { 503, true,  "no_workers_available",       SERVER },
    ROW(ERR_QUEUE_TIMEOUT)       = { 503, true,  "queue_timeout",              SERVER },
    ROW(ERR_UNAVAILABLE)         = { 503, true,  "unavailable",                SERVER },
    ROW(ERR_LIMIT)               = { 503, true,  "limit_reached",              SERVER },
    ROW(ERR_DEADLINE)            = { 504, false, "deadline_exceeded",          SERVER },
    ROW(ERR_TIMEOUT)             = { 504, true,  "timeout",                    SERVER },
    ROW(ERR_HTTP_VERSION)        = { 505, false, "http_version_not_supported", SERVER },
};
/* clang-format on */

static const struct row *find(int code)
{
    static const struct row foreign = { 500, false, "unknown", SERVER };

    if (code < ERR_INVALID || code > ERR_HTTP_VERSION)
        return &foreign;
    return &rows[code - ERR_INVALID];
}

/* Messages often quote what came from outside; whatever that was, the promise of
 * one line holds. */
static void keep_one_line(char *msg)
{
    for (; *msg; msg++) {
        if ((unsigned char)*msg < ' ')
            *msg = ' ';
    }
}

/* Formats before it writes: an argument may point into `e` itself. A cut at the
 * end is fine, it is prose. */
static void __attribute__((format(printf, 4, 0)))
fill(struct err *e, int code, int sys_errno, const char *fmt, va_list args)
{
    char msg[sizeof(e->msg)];

    assert(code < 0);
    (void)vsnprintf(msg, sizeof(msg), fmt, args);
    keep_one_line(msg);
    *e = (struct err){ .code = code, .sys_errno = sys_errno };
    memcpy(e->msg, msg, sizeof(msg));
}

int err_set(struct err *e, int code, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    fill(e, code, 0, fmt, args);
    va_end(args);
    return code;
}

int err_param(struct err *e, int code, const char *param, const char *fmt, ...)
{
    char name[sizeof(e->param)];
    va_list args;

    (void)snprintf(name, sizeof(name), "%s", param);
    keep_one_line(name);
    va_start(args, fmt);
    fill(e, code, 0, fmt, args);
    va_end(args);
    memcpy(e->param, name, sizeof(name));
    return code;
}

int err_policy(struct err *e, unsigned status, const char *code, const char *fmt, ...)
{
    char own[sizeof(e->policy_code)];
    va_list args;

    (void)snprintf(own, sizeof(own), "%s", code);
    keep_one_line(own);
    va_start(args, fmt);
    fill(e, ERR_POLICY, 0, fmt, args);
    va_end(args);
    e->policy_status = status;
    memcpy(e->policy_code, own, sizeof(own));
    return ERR_POLICY;
}

int err_sys(struct err *e, const char *fmt, ...)
{
    int saved = errno;
    va_list args;

    va_start(args, fmt);
    fill(e, ERR_SYSTEM, saved, fmt, args);
    va_end(args);

    size_t used = strlen(e->msg);
    errno = saved; /* for %m, which unlike strerror() is safe in threads */
    (void)snprintf(e->msg + used, sizeof(e->msg) - used, ": %m");
    return e->code;
}

int err_wrap(struct err *e, const char *fmt, ...)
{
    char msg[sizeof(e->msg)];
    va_list args;

    assert(e->code < 0);
    va_start(args, fmt);
    (void)vsnprintf(msg, sizeof(msg), fmt, args);
    va_end(args);

    size_t used = strlen(msg);
    size_t left = sizeof(msg) - 1 - used;
    (void)snprintf(msg + used, left + 1, ": %.*s", (int)left, e->msg);
    keep_one_line(msg);
    memcpy(e->msg, msg, sizeof(msg));
    return e->code;
}

const char *err_name(int code)
{
    return find(code)->name;
}

const char *err_type(int code)
{
    return find(code)->type;
}

int err_http_status(int code)
{
    return find(code)->http_status;
}

bool err_is_retriable(int code)
{
    return find(code)->is_retriable;
}

const char *err_wire_code(const struct err *e)
{
    return e->code == ERR_POLICY && e->policy_code[0] ? e->policy_code : err_name(e->code);
}

int err_wire_status(const struct err *e)
{
    return e->code == ERR_POLICY && e->policy_status > 0 ? (int)e->policy_status
                                                         : err_http_status(e->code);
}
