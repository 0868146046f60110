#include "base/json_write.h"

#include "base/clock.h"
#include "base/json_internal.h"
#include "base/utf8.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const char NOT_UTF8[] = "\xef\xbf\xbd"; /* U+FFFD */

void json_out_init(struct json_out *o, struct buf *buf)
{
    *o = (struct json_out){ .buf = buf };
}

static void write_escape(struct buf *buf, unsigned char c)
{
    static const char names[] = "\"\\bfnrt", meanings[] = "\"\\\b\f\n\r\t";
    const char *at = c ? strchr(meanings, c) : NULL;

    if (at) {
        char escape[2] = { '\\', names[at - meanings] };
        (void)buf_add(buf, escape, sizeof(escape));
    } else {
        (void)buf_printf(buf, "\\u%04x", c);
    }
}

/* The character at the front that is not plain; returns its length. */
static size_t write_special(struct buf *buf, struct str rest)
{
    unsigned char c = (unsigned char)rest.p[0];

    if (c < 0x80) {
        write_escape(buf, c);
        return 1;
    }
    size_t n = utf8_sequence(rest.p, rest.len);
    if (n == 0) {
        (void)buf_puts(buf, NOT_UTF8);
        return 1;
    }
    (void)buf_add(buf, rest.p, n);
    return n;
}

void json_quote(struct buf *buf, struct str value)
{
    (void)buf_putc(buf, '"');
    for (size_t i = 0; i < value.len;) {
        size_t run = json_plain_run(value.p + i, value.len - i);
        (void)buf_add(buf, value.p + i, run);
        i += run;
        if (i < value.len)
            i += write_special(buf, (struct str){ value.p + i, value.len - i });
    }
    (void)buf_putc(buf, '"');
}

/* What stands before every value: a comma where one is due, and the key. */
static void start_value(struct json_out *o, const char *key)
{
    if (o->need_comma)
        (void)buf_putc(o->buf, ',');
    o->need_comma = true;
    if (key) {
        json_quote(o->buf, str_of(key));
        (void)buf_putc(o->buf, ':');
    }
}

void json_begin(struct json_out *o, const char *key, char open)
{
    assert(open == '{' || open == '[');
    assert(o->depth < JSON_OUT_DEPTH_MAX);

    start_value(o, key);
    (void)buf_putc(o->buf, open);
    o->close[o->depth++] = open == '{' ? '}' : ']';
    o->need_comma = false;
}

void json_end(struct json_out *o)
{
    assert(o->depth > 0);

    (void)buf_putc(o->buf, o->close[--o->depth]);
    o->need_comma = true;
}

void json_str(struct json_out *o, const char *key, const char *value)
{
    if (value)
        json_strn(o, key, str_of(value));
    else
        json_null(o, key);
}

void json_strn(struct json_out *o, const char *key, struct str value)
{
    start_value(o, key);
    json_quote(o->buf, value);
}

void json_int(struct json_out *o, const char *key, int64_t value)
{
    start_value(o, key);
    (void)buf_put_int(o->buf, value);
}

void json_uint(struct json_out *o, const char *key, uint64_t value)
{
    start_value(o, key);
    (void)buf_put_uint(o->buf, value);
}

void json_double(struct json_out *o, const char *key, double value)
{
    char text[32];

    if (!isfinite(value)) {
        json_null(o, key);
        return;
    }
    for (int digits = 15; digits <= 17; digits++) { /* 17 always read back */
        (void)snprintf(text, sizeof(text), "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            break;
    }
    start_value(o, key);
    (void)buf_puts(o->buf, text);
}

void json_bool(struct json_out *o, const char *key, bool value)
{
    start_value(o, key);
    (void)buf_puts(o->buf, value ? "true" : "false");
}

void json_null(struct json_out *o, const char *key)
{
    start_value(o, key);
    (void)buf_puts(o->buf, "null");
}

void json_raw(struct json_out *o, const char *key, struct str value)
{
    start_value(o, key);
    (void)buf_add(o->buf, value.p, value.len);
}

void json_time(struct json_out *o, const char *key, uint64_t wall_ms)
{
    char text[CLOCK_RFC3339_SIZE];

    clock_rfc3339(wall_ms, text);
    json_str(o, key, text);
}
