/*
 * Configuration in TOML 1.0, as much of it as flat options need: comments, bare
 * and quoted keys, one-line strings, numbers, booleans, arrays, and for pairs a
 * [table] or an inline table. Not: dotted keys, multi-line strings, dates, arrays
 * of tables; each is refused by name or as a syntax error.
 */
#include "base/option_internal.h"

#include "base/parse.h"
#include "base/utf8.h"

#include <stdint.h>

struct reader {
    struct option_file *file;
    struct str rest; /* what is not read yet */
    size_t line;
    struct buf key;  /* of a pair */
    struct buf text; /* of a string */
};

static int fail(const struct reader *r, struct err *err, const char *what)
{
    return option_file_error(r->file, r->line, err, "%s", what);
}

static char peek(const struct reader *r)
{
    if (r->rest.len == 0)
        return '\0';
    return r->rest.p[0];
}

static void advance(struct reader *r, size_t n)
{
    r->rest.p += n;
    r->rest.len -= n;
}

static bool skip_if(struct reader *r, char c)
{
    if (r->rest.len == 0 || r->rest.p[0] != c)
        return false;
    advance(r, 1);
    return true;
}

static void skip_blanks(struct reader *r)
{
    while (skip_if(r, ' ') || skip_if(r, '\t'))
        ;
}

/* Blanks, a comment, and the end of the line; false when something else stands
 * there. The end of the text counts as one. */
static bool skip_line_end(struct reader *r)
{
    skip_blanks(r);
    if (peek(r) == '#') {
        const char *newline = memchr(r->rest.p, '\n', r->rest.len);
        advance(r, newline ? (size_t)(newline - r->rest.p) : r->rest.len);
    }
    (void)(str_starts(r->rest, "\r\n") && skip_if(r, '\r'));
    if (skip_if(r, '\n')) {
        r->line++;
        return true;
    }
    return r->rest.len == 0;
}

/* Inside arrays lines may end anywhere. */
static void skip_space(struct reader *r)
{
    for (size_t before = r->rest.len + 1; r->rest.len < before;) {
        before = r->rest.len;
        (void)skip_line_end(r);
    }
}

/* --- strings --- */

static int hex_value(char c)
{
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";
    const char *at = memchr(digits, c, sizeof(digits) - 1);

    return at ? (int)(at - digits) % 16 : -1;
}

/* \uXXXX and \UXXXXXXXX */
static int read_code_point(struct reader *r, size_t digits, struct err *err)
{
    uint32_t c = 0;
    char out[4];

    for (size_t i = 0; i < digits; i++) {
        int value = r->rest.len > 0 ? hex_value(r->rest.p[0]) : -1;
        if (value < 0)
            return fail(r, err, "not an escape that TOML knows");
        c = c << 4 | (uint32_t)value;
        advance(r, 1);
    }
    size_t n = utf8_encode(c, out);
    if (n == 0)
        return fail(r, err, "an escape names no character");
    (void)buf_add(&r->text, out, n);
    return 0;
}

/* Behind the backslash. */
static int read_escape(struct reader *r, struct err *err)
{
    static const char names[] = "\"\\bfnrt", meanings[] = "\"\\\b\f\n\r\t";
    char name = peek(r);
    const char *at = name ? strchr(names, name) : NULL;

    if (at) {
        (void)buf_putc(&r->text, meanings[at - names]);
        advance(r, 1);
        return 0;
    }
    if (skip_if(r, 'u'))
        return read_code_point(r, 4, err);
    if (skip_if(r, 'U'))
        return read_code_point(r, 8, err);
    return fail(r, err, "not an escape that TOML knows");
}

/* "basic" or 'literal', at its quote, into r->text. */
static int read_string(struct reader *r, struct err *err)
{
    char quote = peek(r);

    buf_clear(&r->text);
    advance(r, 1);
    if (r->rest.len > 1 && r->rest.p[0] == quote && r->rest.p[1] == quote)
        return fail(r, err, "strings over several lines are not supported");
    while (!skip_if(r, quote)) {
        char c = peek(r);
        bool is_control = ((unsigned char)c < ' ' && c != '\t') || c == 0x7f;
        if (r->rest.len == 0 || c == '\n')
            return fail(r, err, "a string does not end on its line");
        if (is_control)
            return fail(r, err, "a control character in a string");
        advance(r, 1);
        if (quote == '"' && c == '\\') {
            int rc = read_escape(r, err);
            if (rc < 0)
                return rc;
        } else {
            (void)buf_putc(&r->text, c);
        }
    }
    return 0;
}

/* --- keys and values --- */

static bool is_bare(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
}

static int read_key(struct reader *r, struct err *err)
{
    if (peek(r) == '"' || peek(r) == '\'')
        return read_string(r, err);
    buf_clear(&r->text);
    for (; r->rest.len > 0 && is_bare(r->rest.p[0]); advance(r, 1))
        (void)buf_putc(&r->text, r->rest.p[0]);
    if (buf_len(&r->text) == 0)
        return fail(r, err, "expected a key");
    if (peek(r) == '.')
        return fail(r, err, "dotted keys are not supported; quote a key that has a '.' in it");
    return 0;
}

static int skip_equals(struct reader *r, struct err *err)
{
    skip_blanks(r);
    if (!skip_if(r, '='))
        return fail(r, err, "expected '=' after a key");
    skip_blanks(r);
    return 0;
}

/* A number or a boolean, into r->text, without the '_' that numbers may have. */
static int read_word(struct reader *r, struct err *err)
{
    double ignored;

    buf_clear(&r->text);
    for (; r->rest.len > 0 && !strchr(" \t\r\n#,]}", r->rest.p[0]); advance(r, 1)) {
        if (r->rest.p[0] != '_')
            (void)buf_putc(&r->text, r->rest.p[0]);
    }
    struct str word = buf_str(&r->text);
    if (word.len == 0)
        return fail(r, err, "expected a value");
    if (!str_eq(word, "true") && !str_eq(word, "false") && !parse_double_str(word, &ignored))
        return option_file_error(r->file, r->line, err, "'%.*s' must be in quotes", STR_ARG(word));
    return 0;
}

static int read_scalar(struct reader *r, struct err *err)
{
    return peek(r) == '"' || peek(r) == '\'' ? read_string(r, err) : read_word(r, err);
}

/* [ "a", "b" ], at its bracket. */
static int read_array(struct reader *r, const struct option *o, struct err *err)
{
    int rc = option_file_is_list(r->file, r->line, o, err);

    advance(r, 1);
    skip_space(r);
    while (rc == 0 && !skip_if(r, ']')) {
        rc = read_scalar(r, err);
        if (rc == 0)
            rc = option_file_value(r->file, r->line, o, buf_str(&r->text), err);
        skip_space(r);
        if (rc == 0 && !skip_if(r, ',') && peek(r) != ']')
            rc = fail(r, err, "expected ',' or ']' in an array");
        skip_space(r);
    }
    return rc;
}

/* key = value, one of a table below an option. */
static int read_pair(struct reader *r, const struct option *o, struct err *err)
{
    int rc = read_key(r, err);
    if (rc < 0)
        return rc;
    buf_clear(&r->key);
    (void)buf_add(&r->key, buf_str(&r->text).p, buf_len(&r->text));
    rc = skip_equals(r, err);
    if (rc == 0)
        rc = read_scalar(r, err);
    if (rc == 0)
        rc = option_file_pair(r->file, r->line, o, buf_str(&r->key), buf_str(&r->text), err);
    return rc;
}

/* { a = "x", b = "y" }, at its brace; on one line, by TOML's rule. */
static int read_inline_table(struct reader *r, const struct option *o, struct err *err)
{
    int rc = option_file_is_mapping(r->file, r->line, o, err);
    bool wants_more = false;

    advance(r, 1);
    skip_blanks(r);
    while (rc == 0 && (wants_more || !skip_if(r, '}'))) {
        rc = read_pair(r, o, err);
        skip_blanks(r);
        wants_more = skip_if(r, ',');
        if (rc == 0 && !wants_more && peek(r) != '}')
            rc = fail(r, err, "expected ',' or '}' in an inline table");
        skip_blanks(r);
    }
    return rc;
}

static int read_option(struct reader *r, struct err *err)
{
    const struct option *o = NULL;

    int rc = read_key(r, err);
    if (rc == 0)
        rc = option_file_key(r->file, r->line, buf_str(&r->text), &o, err);
    if (rc == 0)
        rc = skip_equals(r, err);
    if (rc < 0)
        return rc;
    if (peek(r) == '[')
        return read_array(r, o, err);
    if (peek(r) == '{')
        return read_inline_table(r, o, err);
    rc = read_scalar(r, err);
    return rc < 0 ? rc : option_file_value(r->file, r->line, o, buf_str(&r->text), err);
}

/* [name], at its bracket: the lines below are pairs of that option. */
static int read_header(struct reader *r, const struct option **ret, struct err *err)
{
    const struct option *o = NULL;

    advance(r, 1);
    if (peek(r) == '[')
        return fail(r, err, "arrays of tables are not supported");
    skip_blanks(r);
    int rc = read_key(r, err);
    if (rc == 0)
        rc = option_file_key(r->file, r->line, buf_str(&r->text), &o, err);
    if (rc == 0)
        rc = option_file_is_mapping(r->file, r->line, o, err);
    if (rc < 0)
        return rc;
    skip_blanks(r);
    if (!skip_if(r, ']'))
        return fail(r, err, "expected ']' after a table's name");
    *ret = o;
    return 0;
}

static int read_lines(struct reader *r, struct err *err)
{
    const struct option *table = NULL;
    int rc = 0;

    for (;;) {
        skip_space(r);
        if (r->rest.len == 0)
            return 0;
        if (peek(r) == '[')
            rc = read_header(r, &table, err);
        else
            rc = table ? read_pair(r, table, err) : read_option(r, err);
        if (rc < 0)
            return rc;
        if (!skip_line_end(r))
            return fail(r, err, "expected the end of the line");
    }
}

int option_read_toml(struct option_file *f, struct str text, struct err *err)
{
    struct reader r = { .file = f, .rest = text, .line = 1 };

    if (!utf8_is_valid(text))
        return err_set(err, ERR_INVALID, "%s: is not UTF-8", f->name);
    buf_init(&r.key, text.len); /* nothing read is longer than the text */
    buf_init(&r.text, text.len);
    int rc = read_lines(&r, err);
    buf_deinit(&r.key);
    buf_deinit(&r.text);
    return rc;
}
