/*
 * err - one error value, filled by the callee, owned by the caller's stack.
 *
 * A fallible function returns 0 or a negative `enum err_code` and takes a
 * `struct err *` last. On failure the struct says what went wrong in words a
 * user can read, and how to mend it; on success it is left untouched. It owns
 * no memory, so there is nothing to release and nothing to leak.
 *
 * The codes are the wire's codes: each has a row in err.c with its HTTP status,
 * its OpenAI type and its name, so that every answer of every daemon is
 * consistent by construction (PROTOCOL "Status codes of scheduling outcomes").
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* clang-format off */
enum err_code {
    ERR_OK = 0,
    /* The caller's input. */
    ERR_INVALID = -1000,      /* 400 invalid_value */
    ERR_JSON,                 /* 400 invalid_json */
    ERR_MISSING,              /* 400 missing_required_parameter */
    ERR_CONTEXT_LENGTH,       /* 400 context_length_exceeded */
    ERR_OPERATION_UNKNOWN,    /* 400 unknown_operation */
    ERR_NO_API_KEY,           /* 401 missing_api_key */
    ERR_BAD_API_KEY,          /* 401 invalid_api_key */
    ERR_FORBIDDEN,            /* 403 forbidden */
    ERR_ORIGIN,               /* 403 origin_not_allowed */
    ERR_POLICY,               /* 403 policy_rejected */
    ERR_PLATFORM_IMMUTABLE,   /* 403 platform_scheduler_immutable: not in platform mode */
    ERR_NOT_FOUND,            /* 404 not_found */
    ERR_MODEL_NOT_FOUND,      /* 404 model_not_found */
    ERR_METHOD,               /* 405 method_not_allowed */
    ERR_REQUEST_TIMEOUT,      /* 408 request_timeout: the client was too slow to send */
    ERR_CONFLICT,             /* 409 conflict */
    ERR_CAPABILITIES_WANTED,  /* 409 capabilities_wanted */
    ERR_STREAM_EXPIRED,       /* 410 stream_expired */
    ERR_TOO_LARGE,            /* 413 body_too_large */
    ERR_CONTENT_TYPE,         /* 415 unsupported_media_type */
    ERR_HOST,                 /* 421 misdirected_request */
    ERR_HEADERS_TOO_LARGE,    /* 431 headers_too_large */
    ERR_QUEUE_FULL,           /* 429 queue_full */
    ERR_RATE_LIMIT,           /* 429 rate_limit_exceeded */
    ERR_CLIENT_GONE,          /* 499 client_closed_request; logs and metrics only */
    ERR_CANCELLED,            /* 499 cancelled: by DELETE */
    /* Ours, and the world's. */
    ERR_INTERNAL,             /* 500 internal_error: a promise of our own was broken */
    ERR_SYSTEM,               /* 500 system_error: a syscall failed; see sys_errno */
    ERR_UNSUPPORTED,          /* 501 operation_not_supported */
    ERR_WORKER,               /* 502 worker_error: retries used up */
    ERR_UPSTREAM,             /* 502 bad_upstream: a peer or the kernel answered nonsense */
    ERR_NO_WORKERS,           /* 503 no_workers_available */
    ERR_QUEUE_TIMEOUT,        /* 503 queue_timeout */
    ERR_UNAVAILABLE,          /* 503 unavailable: worth a retry */
    ERR_LIMIT,                /* 503 limit_reached: a cap of this process */
    ERR_DEADLINE,             /* 504 deadline_exceeded */
    ERR_TIMEOUT,              /* 504 timeout: a peer was too slow */
    ERR_HTTP_VERSION,         /* 505 http_version_not_supported */
};
/* clang-format on */

struct err {
    int code;                /* enum err_code, 0 until set */
    int sys_errno;           /* errno at the failure, 0 when no syscall was involved */
    uint32_t retry_after_ms; /* 0: not said; becomes Retry-After */
    uint32_t policy_status;  /* ERR_POLICY: 403, 429, 503 or 504; else 0 */
    char policy_code[64];    /* ERR_POLICY: the policy's own code, "" when it named none */
    char policy_name[64];    /* ERR_POLICY: which policy; "" when nobody said */
    char param[64];          /* the field that is wrong, "" when none; becomes "param" */
    char msg[320];           /* one line, no trailing newline, always NUL-terminated */
};

/* Fill `e` and return `code`, so that `return err_set(e, ...)` reads as one act.
 * Clears all else. */
int err_set(struct err *e, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* The same, naming the wrong field: err_param(err, ERR_INVALID, "max_tokens", "must be ..."). */
int err_param(struct err *e, int code, const char *param, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* The same for a failed syscall: keeps errno and appends its text. */
int err_sys(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The same for a policy's refusal, in its own words: its code, and 403, 429 or 503. */
int err_policy(struct err *e, unsigned status, const char *code, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* Put "context: " before the message; keeps and returns the code. */
int err_wrap(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

const char *err_name(int code);  /* wire name: "not_found"; "unknown" for a foreign code */
const char *err_type(int code);  /* OpenAI type: "invalid_request_error" */
int err_http_status(int code);   /* 404; 500 for a foreign code */
bool err_is_retriable(int code); /* may the same request succeed later, unchanged? */

/* The same of one error: a policy's refusal has a code and a status of its own. */
const char *err_wire_code(const struct err *e);
int err_wire_status(const struct err *e);

#define MUST_CHECK __attribute__((warn_unused_result))
