#include "base/log.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/json_write.h"
#include "base/utf8.h"

#include <errno.h>
#include <limits.h>
#include <unistd.h>

enum {
    LINE_MAX_BYTES = PIPE_BUF, /* one write(2) of at most this is whole, also in a pipe */
    MESSAGE_MAX_BYTES = 512,   /* fits also when each byte is escaped */
    VALUE_MAX_BYTES = 1024,    /* so that one long value leaves room for the others */
    TAIL_BYTES = 32,           /* kept for ,"truncated":true} and the newline */
};

static const char *const level_names[] = { "error", "warn", "info", "debug" };
static const char *const level_marks[] = { "ERROR", "WARN", "INFO", "DEBUG" };
static const char *const format_names[] = { "text", "json" };

/* Set once before the first line, then only read: no lock. */
static struct {
    const char *program;
    enum log_level level;
    enum log_format format;
    bool is_set;
} log_state = { .level = LOG_INFO };

enum log_format log_default_format(void)
{
    return isatty(STDERR_FILENO) ? LOG_TEXT : LOG_JSON;
}

void log_setup(const char *program, enum log_level level, enum log_format format)
{
    log_state.program = program;
    log_state.level = level;
    log_state.format = format;
    log_state.is_set = true;
}

bool log_enabled(enum log_level level)
{
    return level <= log_state.level;
}

static int find_name(const char *const *names, int len, struct str name)
{
    for (int i = 0; i < len; i++) {
        if (str_eq(name, names[i]))
            return i;
    }
    return -1;
}

int log_level_parse(struct str name, enum log_level *ret)
{
    int found = find_name(level_names, LOG_DEBUG + 1, name);

    if (found < 0)
        return -1;
    *ret = (enum log_level)found;
    return 0;
}

int log_format_parse(struct str name, enum log_format *ret)
{
    int found = find_name(format_names, LOG_JSON + 1, name);

    if (found < 0)
        return -1;
    *ret = (enum log_format)found;
    return 0;
}

/* Cuts between characters. */
static struct str cut(struct str value, size_t max, bool *is_cut)
{
    if (value.len <= max)
        return value;
    *is_cut = true;
    value.len = max;
    while (value.len > max - 4 && ((unsigned char)value.p[value.len] & 0xc0) == 0x80)
        value.len--;
    return value;
}

/* Undo what was written after `before` if it did not fit. */
static bool keep_if_whole(struct buf *line, size_t before)
{
    if (!line->overflowed)
        return true;
    line->len = before;
    line->overflowed = false;
    return false;
}

/* --- JSON lines --- */

static void write_json_field(struct json_out *o, const struct log_field *field, bool *is_cut)
{
    switch (field->kind) {
    case LOG_FIELD_STR:
        json_strn(o, field->key, cut(field->str, VALUE_MAX_BYTES, is_cut));
        break;
    case LOG_FIELD_INT:
        json_int(o, field->key, field->i);
        break;
    case LOG_FIELD_DOUBLE:
        json_double(o, field->key, field->d);
        break;
    }
}

static void write_json(struct buf *line, const char *ts, enum log_level level, const char *message,
                       const struct log_field *fields, size_t fields_len)
{
    bool is_cut = false;
    struct json_out o;

    json_out_init(&o, line);
    json_begin(&o, NULL, '{');
    json_str(&o, "ts", ts);
    json_str(&o, "level", level_names[level]);
    json_str(&o, "program", log_state.program ? log_state.program : program_invocation_short_name);
    json_strn(&o, "msg", cut(str_of(message), MESSAGE_MAX_BYTES, &is_cut));
    for (size_t i = 0; i < fields_len; i++) {
        size_t before = line->len;
        write_json_field(&o, &fields[i], &is_cut);
        if (!keep_if_whole(line, before))
            is_cut = true;
    }
    line->max += TAIL_BYTES;
    if (is_cut)
        json_bool(&o, "truncated", true);
    json_end(&o);
}

/* --- text --- */

/* Controls, also those of ISO 6429's second set (U+0080 on), move the cursor and
 * worse on a terminal. Bytes that are no UTF-8 could be such on an old one. */
static size_t escape_control(struct buf *line, struct str rest)
{
    size_t n = utf8_sequence(rest.p, rest.len);
    unsigned char first = (unsigned char)rest.p[0];

    if (n == 0 || first < ' ' || first == 0x7f)
        (void)buf_printf(line, "\\x%02x", first);
    else if (n == 2 && first == 0xc2 && (unsigned char)rest.p[1] < 0xa0)
        (void)buf_printf(line, "\\u%04x", (unsigned char)rest.p[1]);
    else
        (void)buf_add(line, rest.p, n);
    return n > 0 ? n : 1;
}

static void write_escaped(struct buf *line, struct str value, const char *also)
{
    for (size_t i = 0; i < value.len;) {
        if (value.p[i] != '\0' && strchr(also, value.p[i]))
            (void)buf_putc(line, '\\');
        i += escape_control(line, (struct str){ value.p + i, value.len - i });
    }
}

static bool is_bare(struct str value)
{
    for (size_t i = 0; i < value.len; i++) {
        if (value.p[i] <= ' ' || value.p[i] >= 0x7f || strchr("\"\\=", value.p[i]))
            return false;
    }
    return value.len > 0;
}

static void write_text_value(struct buf *line, struct str value)
{
    if (is_bare(value)) {
        (void)buf_add(line, value.p, value.len);
        return;
    }
    (void)buf_putc(line, '"');
    write_escaped(line, value, "\"\\");
    (void)buf_putc(line, '"');
}

static void write_text_field(struct buf *line, const struct log_field *field, bool *is_cut)
{
    (void)buf_printf(line, " %s=", field->key);
    switch (field->kind) {
    case LOG_FIELD_STR:
        write_text_value(line, cut(field->str, VALUE_MAX_BYTES, is_cut));
        break;
    case LOG_FIELD_INT:
        (void)buf_printf(line, "%lld", (long long)field->i);
        break;
    case LOG_FIELD_DOUBLE:
        (void)buf_printf(line, "%g", field->d);
        break;
    }
}

static void write_text(struct buf *line, const char *ts, enum log_level level, const char *message,
                       const struct log_field *fields, size_t fields_len)
{
    bool is_cut = false;

    (void)buf_printf(line, "%s %-5s ", ts, level_marks[level]);
    write_escaped(line, cut(str_of(message), MESSAGE_MAX_BYTES, &is_cut), "");
    for (size_t i = 0; i < fields_len; i++) {
        size_t before = line->len;
        write_text_field(line, &fields[i], &is_cut);
        if (!keep_if_whole(line, before))
            is_cut = true;
    }
    line->max += TAIL_BYTES;
    if (is_cut)
        (void)buf_puts(line, " truncated=true");
}

/* A reader of stderr that is too slow costs a line, never a stop. */
static void write_line(struct str line)
{
    while (line.len > 0) {
        ssize_t n = write(STDERR_FILENO, line.p, line.len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return;
        line.p += n;
        line.len -= (size_t)n;
    }
}

void log_event(enum log_level level, const char *message, const struct log_field *fields,
               size_t fields_len)
{
    char memory[LINE_MAX_BYTES + 1];
    char ts[CLOCK_RFC3339_SIZE];
    int saved_errno = errno;
    enum log_format format = log_state.is_set ? log_state.format : log_default_format();
    struct buf line;

    buf_init_fixed(&line, memory, sizeof(memory));
    line.max -= TAIL_BYTES; /* given back at the end of the line */
    clock_rfc3339(clock_wall_ms(), ts);
    if (format == LOG_JSON)
        write_json(&line, ts, level, message, fields, fields_len);
    else
        write_text(&line, ts, level, message, fields, fields_len);
    (void)buf_putc(&line, '\n');
    write_line(buf_str(&line));
    errno = saved_errno;
}
