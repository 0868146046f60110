/* The tokens of JSON (RFC 8259): finding their ends and decoding them. */
#include "base/json_internal.h"

#include "base/utf8.h"

#include <stdarg.h>
#include <stdio.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

static bool is_plain(unsigned char c)
{
    return c >= ' ' && c < 0x80 && c != '"' && c != '\\';
}

#ifdef __SSE2__
/* Sixteen at a time: as signed bytes, control characters and all that is not ASCII are
 * less than a blank. Stops at the first special byte, or with less than a block left. */
static bool skip_blocks(const char *p, size_t len, size_t *at)
{
    const __m128i blank = _mm_set1_epi8(' '), quote = _mm_set1_epi8('"'),
                  backslash = _mm_set1_epi8('\\');

    for (; len - *at >= sizeof(blank); *at += sizeof(blank)) {
        __m128i x = _mm_loadu_si128((const __m128i *)(const void *)(p + *at));
        __m128i special =
            _mm_or_si128(_mm_cmplt_epi8(x, blank),
                         _mm_or_si128(_mm_cmpeq_epi8(x, quote), _mm_cmpeq_epi8(x, backslash)));
        unsigned mask = (unsigned)_mm_movemask_epi8(special);
        if (mask != 0) {
            *at += (size_t)__builtin_ctz(mask);
            return true;
        }
    }
    return false;
}
#else
static bool skip_blocks(const char *p, size_t len, size_t *at)
{
    (void)p, (void)len, (void)at;
    return false;
}
#endif

size_t json_plain_run(const char *p, size_t len)
{
    size_t at = 0;

    if (skip_blocks(p, len, &at))
        return at;
    while (at < len && is_plain((unsigned char)p[at]))
        at++;
    return at;
}

/* Columns count characters: continuation bytes of UTF-8 do not move on. */
static void find_place(const struct json *j, size_t *ret_line, size_t *ret_column)
{
    size_t line = 1, column = 1;

    for (size_t i = 0; i < j->at; i++) {
        if (j->text[i] == '\n') {
            line++;
            column = 1;
        } else if ((j->text[i] & 0xc0) != 0x80) {
            column++;
        }
    }
    *ret_line = line;
    *ret_column = column;
}

void json_syntax(struct json *j, const char *fmt, ...)
{
    char what[160];
    size_t line, column;
    va_list args;

    if (j->failed)
        return;
    va_start(args, fmt);
    (void)vsnprintf(what, sizeof(what), fmt, args);
    va_end(args);
    find_place(j, &line, &column);
    (void)err_set(&j->err, ERR_JSON, "line %zu column %zu: %s", line, column, what);
    j->failed = true;
}

void json_expected(struct json *j, const char *what)
{
    size_t n = j->at < j->len ? utf8_sequence(j->text + j->at, j->len - j->at) : 0;

    if (j->at >= j->len)
        json_syntax(j, "expected %s, found the end of the text", what);
    else if (n == 0 || (unsigned char)j->text[j->at] < ' ')
        json_syntax(j, "expected %s, found the byte 0x%02x", what, (unsigned char)j->text[j->at]);
    else
        json_syntax(j, "expected %s, found '%.*s'", what, (int)n, j->text + j->at);
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* "uXXXX" at `p`, or -1. */
static int32_t read_unit(const char *p, size_t len)
{
    int32_t unit = 0;

    if (len < 5 || p[0] != 'u')
        return -1;
    for (size_t i = 1; i < 5; i++) {
        int digit = hex_value(p[i]);
        if (digit < 0)
            return -1;
        unit = unit << 4 | digit;
    }
    return unit;
}

static bool is_high(int32_t unit)
{
    return unit >= 0xd800 && unit <= 0xdbff;
}

static bool is_low(int32_t unit)
{
    return unit >= 0xdc00 && unit <= 0xdfff;
}

/* The escape at j->at, which is a backslash: only checked here. */
static bool scan_escape(struct json *j)
{
    const char *p = j->text + j->at + 1;
    size_t len = j->len - j->at - 1;

    if (len > 0 && p[0] != '\0' && strchr("\"\\/bfnrt", p[0])) {
        j->at += 2;
        return true;
    }
    int32_t unit = read_unit(p, len);
    if (unit < 0) {
        json_syntax(j, "not an escape that JSON knows");
        return false;
    }
    if (!is_high(unit) && !is_low(unit)) {
        j->at += 6;
        return true;
    }
    bool is_pair = is_high(unit) && len > 5 && p[5] == '\\' && is_low(read_unit(p + 6, len - 6));
    if (!is_pair) {
        json_syntax(j, "half of a surrogate pair");
        return false;
    }
    j->at += 12;
    return true;
}

/* One character that is not plain, or an error. */
static bool scan_special(struct json *j, bool *is_escaped)
{
    if (j->at >= j->len) {
        json_syntax(j, "the text ends inside a string");
        return false;
    }
    unsigned char c = (unsigned char)j->text[j->at];
    if (c == '\\') {
        *is_escaped = true;
        return scan_escape(j);
    }
    if (c < ' ') {
        json_syntax(j, "control character 0x%02x in a string; write it as \\u%04x", c, c);
        return false;
    }
    size_t n = utf8_sequence(j->text + j->at, j->len - j->at);
    if (n == 0) {
        json_syntax(j, "byte 0x%02x is not UTF-8", c);
        return false;
    }
    j->at += n;
    return true;
}

bool json_scan_string(struct json *j, struct str *ret_raw, bool *ret_is_escaped)
{
    bool is_escaped = false;
    size_t start = ++j->at;

    for (;;) {
        j->at += json_plain_run(j->text + j->at, j->len - j->at);
        if (j->at < j->len && j->text[j->at] == '"')
            break;
        if (!scan_special(j, &is_escaped))
            return false;
    }
    *ret_raw = (struct str){ j->text + start, j->at - start };
    *ret_is_escaped = is_escaped;
    j->at++;
    return true;
}

bool json_scan_word(struct json *j, const char *word)
{
    if (!str_starts((struct str){ j->text + j->at, j->len - j->at }, word)) {
        json_expected(j, "a value");
        return false;
    }
    j->at += strlen(word);
    return true;
}

static void advance(struct str *s, size_t n)
{
    s->p += n;
    s->len -= n;
}

size_t json_decode_one(struct str *raw, char out[4])
{
    static const char names[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";

    if (raw->p[0] != '\\') {
        out[0] = raw->p[0];
        advance(raw, 1);
        return 1;
    }
    if (raw->p[1] != 'u') {
        out[0] = meanings[strchr(names, raw->p[1]) - names];
        advance(raw, 2);
        return 1;
    }
    uint32_t c = (uint32_t)read_unit(raw->p + 1, 5);
    if (!is_high((int32_t)c)) {
        advance(raw, 6);
        return utf8_encode(c, out);
    }
    uint32_t low = (uint32_t)read_unit(raw->p + 7, 5);
    advance(raw, 12);
    return utf8_encode(0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00), out);
}

/* Moves the bytes up to the next escape to `dst`, unless that is NULL. */
static size_t take_run(struct str *raw, char *dst)
{
    const char *escape = raw->len > 0 ? memchr(raw->p, '\\', raw->len) : NULL;
    size_t run = escape ? (size_t)(escape - raw->p) : raw->len;

    if (dst && run > 0)
        memcpy(dst, raw->p, run);
    advance(raw, run);
    return run;
}

size_t json_measure(struct str raw, bool *ret_has_nul)
{
    size_t len = take_run(&raw, NULL);
    char one[4];

    *ret_has_nul = false;
    while (raw.len > 0) {
        len += json_decode_one(&raw, one);
        *ret_has_nul |= one[0] == '\0';
        len += take_run(&raw, NULL);
    }
    return len;
}

size_t json_decode(struct str raw, char *dst)
{
    size_t len = take_run(&raw, dst);

    while (raw.len > 0) {
        char one[4];
        size_t n = json_decode_one(&raw, one);
        memcpy(dst + len, one, n);
        len += n;
        len += take_run(&raw, dst + len);
    }
    return len;
}
