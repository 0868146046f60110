#include "proxy/run_fault.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

bool run_fault_set(struct run_fault *f, enum run_failure failure, const char *fmt, ...)
{
    char text[sizeof(f->err.msg)];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    f->failure = failure;
    (void)err_set(&f->err, ERR_WORKER, "%s", text);
    return false;
}

static const char *reason_of(enum http_call_end how, const struct err *err)
{
    static const struct {
        int sys_errno;
        const char *words;
    } reasons[] = {
        { ECONNREFUSED, "connection refused" },  { ECONNRESET, "connection reset" },
        { EPIPE, "connection reset" },           { ETIMEDOUT, "connection timed out" },
        { EHOSTUNREACH, "host is unreachable" }, { ENETUNREACH, "network is unreachable" },
        { ENOENT, "no socket of that name" },    { EMFILE, "too many open files here" },
    };

    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
        if (err->sys_errno == reasons[i].sys_errno)
            return reasons[i].words;
    }
    return how == HTTP_CALL_CUT && err->sys_errno == 0 ? "connection closed" : err->msg;
}

void run_fault_of_call(struct run_fault *f, enum http_call_end how, const struct err *err,
                       const char *doing, bool has_head)
{
    const char *reason = reason_of(how, err);

    switch (how) {
    case HTTP_CALL_CONNECT:
        (void)run_fault_set(f, RUN_NOT_CONNECTED, "%s: %s", doing, reason);
        break;
    case HTTP_CALL_CUT:
        (void)run_fault_set(f, RUN_DIED, "%s: %s", has_head ? "Worker broke off its answer" : doing,
                            reason);
        break;
    case HTTP_CALL_GARBAGE:
        (void)run_fault_set(f, RUN_REFUSED, "Worker does not speak HTTP: %s", reason);
        break;
    case HTTP_CALL_TIMEOUT:
        (void)run_fault_set(f, RUN_SILENT, "Worker was too slow: %s", reason);
        break;
    case HTTP_CALL_DONE:
        assert(false); /* is no fault */
    }
    f->err.sys_errno = err->sys_errno;
}
