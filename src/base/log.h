/*
 * log - one line per event on stderr: key=value text on a terminal, JSON otherwise.
 *
 *     log_info("worker started", LOG_STR("worker_id", id), LOG_INT("pid", pid));
 *
 * Never a prompt, an answer or a token of authentication. Programs log;
 * libraries return errors. Values come out escaped, so that no peer can forge a
 * line. Lines are written whole, from any thread.
 */
#pragma once

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };
enum log_format { LOG_TEXT, LOG_JSON };

struct log_field {
    const char *key;
    enum { LOG_FIELD_STR, LOG_FIELD_INT, LOG_FIELD_DOUBLE } kind;
    struct str str;
    int64_t i;
    double d;
};

#define LOG_STR(k, z)                                       \
    {                                                       \
        .key = (k), .kind = LOG_FIELD_STR, .str = str_of(z) \
    }
#define LOG_STRN(k, s)                                \
    {                                                 \
        .key = (k), .kind = LOG_FIELD_STR, .str = (s) \
    }
#define LOG_INT(k, n)                                        \
    {                                                        \
        .key = (k), .kind = LOG_FIELD_INT, .i = (int64_t)(n) \
    }
#define LOG_DOUBLE(k, x)                               \
    {                                                  \
        .key = (k), .kind = LOG_FIELD_DOUBLE, .d = (x) \
    }
#define LOG_ERR(e) LOG_STR("error", (e)->msg)

/* Before the first line; defaults: info, text on a terminal and JSON otherwise.
 * `program` is borrowed and comes in every JSON line. */
void log_setup(const char *program, enum log_level level, enum log_format format);
enum log_format log_default_format(void);
bool log_enabled(enum log_level level);
int log_level_parse(struct str name, enum log_level *ret);   /* 0, or -1 */
int log_format_parse(struct str name, enum log_format *ret); /* 0, or -1 */

void log_event(enum log_level level, const char *message, const struct log_field *fields,
               size_t fields_len);

#define LOG_EVENT_(level, message, ...)                                                         \
    do {                                                                                        \
        if (log_enabled(level)) {                                                               \
            const struct log_field fields_[] = { { 0 }, ##__VA_ARGS__ };                        \
            log_event((level), (message), fields_ + 1, sizeof(fields_) / sizeof(*fields_) - 1); \
        }                                                                                       \
    } while (0)
#define log_error(message, ...) LOG_EVENT_(LOG_ERROR, message, ##__VA_ARGS__)
#define log_warn(message, ...)  LOG_EVENT_(LOG_WARN, message, ##__VA_ARGS__)
#define log_info(message, ...)  LOG_EVENT_(LOG_INFO, message, ##__VA_ARGS__)
#define log_debug(message, ...) LOG_EVENT_(LOG_DEBUG, message, ##__VA_ARGS__)
