#include "rules/lua_text.h"

#include <stdarg.h>

static const char *const keywords[] = {
    "and",      "break",  "do",   "else", "elseif", "end",   "false", "for",
    "function", "goto",   "if",   "in",   "local",  "nil",   "not",   "or",
    "repeat",   "return", "then", "true", "until",  "while",
};

void lua_text_begin(struct lua_text *t)
{
    for (unsigned i = 0; i < t->indent; i++)
        (void)buf_puts(&t->lua->text, "  ");
}

void lua_text_end(struct lua_text *t)
{
    struct buf *out = &t->lua->text;

    (void)buf_putc(out, '\n');
    struct str text = buf_str(out);
    for (; t->mapped_bytes < text.len; t->mapped_bytes++) {
        if (text.p[t->mapped_bytes] == '\n')
            script_lua_map_line(t->lua, t->line);
    }
}

void lua_text_blank(struct lua_text *t)
{
    lua_text_end(t);
}

void lua_text_line(struct lua_text *t, const char *fmt, ...)
{
    va_list args;

    lua_text_begin(t);
    va_start(args, fmt);
    (void)buf_vprintf(&t->lua->text, fmt, args);
    va_end(args);
    lua_text_end(t);
}

void lua_text_open(struct lua_text *t, const char *line)
{
    lua_text_line(t, "%s", line);
    t->indent++;
}

void lua_text_close(struct lua_text *t, const char *line)
{
    t->indent--;
    lua_text_line(t, "%s", line);
}

/* A byte of a literal. All of UTF-8 but control characters may stand there as it is. */
static void put_byte(struct buf *out, char c)
{
    if (c == '"' || c == '\\')
        (void)buf_printf(out, "\\%c", c);
    else if (c == '\n')
        (void)buf_puts(out, "\\n");
    else if ((unsigned char)c < ' ' || c == 0x7f)
        (void)buf_printf(out, "\\%03u", (unsigned char)c);
    else
        (void)buf_putc(out, c);
}

void lua_text_string(struct buf *out, struct str s)
{
    (void)buf_putc(out, '"');
    for (size_t i = 0; i < s.len; i++)
        put_byte(out, s.p[i]);
    (void)buf_putc(out, '"');
}

void lua_text_comment(struct buf *out, struct str s)
{
    for (size_t i = 0; i < s.len; i++)
        (void)buf_putc(out, (unsigned char)s.p[i] < ' ' || s.p[i] == 0x7f ? ' ' : s.p[i]);
}

void lua_text_value(struct buf *out, const struct rule_value *value)
{
    switch (value->kind) {
    case RULE_NULL:
        (void)buf_puts(out, "nil");
        break;
    case RULE_BOOL:
        (void)buf_puts(out, value->is_true ? "true" : "false");
        break;
    case RULE_NUMBER:
        if (value->is_integer)
            (void)buf_put_int(out, value->integer);
        else
            (void)buf_printf(out, "%.17g", value->real);
        break;
    case RULE_TEXT:
        lua_text_string(out, value->text);
        break;
    }
}

static bool is_name(struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.p[i];
        bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        if (!is_letter && !(i > 0 && c >= '0' && c <= '9'))
            return false;
    }
    for (size_t i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++) {
        if (str_eq(s, keywords[i]))
            return false;
    }
    return s.len > 0;
}

void lua_text_member(struct buf *out, struct str name)
{
    if (is_name(name)) {
        (void)buf_putc(out, '.');
        (void)buf_add(out, name.p, name.len);
        return;
    }
    (void)buf_putc(out, '[');
    lua_text_string(out, name);
    (void)buf_putc(out, ']');
}

/* `*`: any characters, `?`: one, whole in UTF-8; all else is itself, from end to end. */
void lua_text_glob(struct buf *out, struct str glob)
{
    (void)buf_puts(out, "\"^");
    for (size_t i = 0; i < glob.len; i++) {
        char c = glob.p[i];

        if (c == '*' && i > 0 && glob.p[i - 1] == '*')
            continue;
        if (c == '*') {
            (void)buf_puts(out, ".*");
        } else if (c == '?') {
            (void)buf_puts(out, "[^\\128-\\191][\\128-\\191]*");
        } else {
            if (strchr("^$()%.[]+-", c))
                (void)buf_putc(out, '%');
            put_byte(out, c);
        }
    }
    (void)buf_puts(out, "$\"");
}
