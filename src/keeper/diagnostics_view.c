#include "keeper/diagnostics_view.h"

#include "keeper/answer.h"
#include "keeper/terminal.h"

#include "base/buf.h"
#include "base/utf8.h"

enum {
    TEXT_BYTES_MAX = 64 * 1024,
    BEFORE_MAX = 60, /* characters of a line shown before the place; longer ones are cut */
    AFTER_MAX = 60,
    EXCERPT_BYTES_MAX = 4096,
};

/* --- The line ------------------------------------------------------------------------ */

static struct str line_of(struct str source, uint64_t number)
{
    while (source.len > 0) {
        const char *end = memchr(source.p, '\n', source.len);
        size_t len = end ? (size_t)(end - source.p) : source.len;
        if (--number == 0)
            return (struct str){ source.p, len > 0 && source.p[len - 1] == '\r' ? len - 1 : len };
        source.p += len + (end != NULL);
        source.len -= len + (end != NULL);
    }
    return (struct str){ 0 };
}

/* Take a character off the front; what is none, or would move the cursor, becomes U+FFFD. */
static struct str take_character(struct str *line)
{
    size_t n = utf8_sequence(line->p, line->len);
    struct str c = { line->p, n > 0 ? n : 1 };
    unsigned char first = (unsigned char)c.p[0];

    line->p += c.len;
    line->len -= c.len;
    if (n == 0 || (first < ' ' && first != '\t') || first == 127)
        return str_of("\xef\xbf\xbd");
    return c;
}

/* The line around `column`, and below it blanks up to the mark; tabs stay, so that both
 * stand alike whatever a tab is wide. */
static void excerpt(struct str line, uint64_t column, struct buf *text, struct buf *mark)
{
    uint64_t at = 1;

    if (column > BEFORE_MAX) {
        (void)buf_puts(text, "…");
        (void)buf_putc(mark, ' ');
    }
    for (; line.len > 0 && at <= column + AFTER_MAX; at++) {
        struct str c = take_character(&line);
        if (at + BEFORE_MAX <= column)
            continue;
        (void)buf_add(text, c.p, c.len);
        if (at < column)
            (void)buf_putc(mark, c.p[0] == '\t' ? '\t' : ' ');
    }
    if (line.len > 0)
        (void)buf_puts(text, "…");
    if (column > 0)
        (void)buf_putc(mark, '^');
}

static void print_excerpt(const struct diagnostics_view *v, uint64_t number, uint64_t column)
{
    struct str line = line_of(v->source, number);
    struct buf text, mark;

    if (number == 0 || !line.p)
        return;
    buf_init(&text, EXCERPT_BYTES_MAX);
    buf_init(&mark, EXCERPT_BYTES_MAX);
    excerpt(line, column, &text, &mark);
    (void)fprintf(v->to, "%5llu | %s\n", (unsigned long long)number, buf_cstr(&text));
    if (column > 0)
        (void)fprintf(v->to, "      | %s%s%s\n", v->color ? "\033[1;32m" : "", buf_cstr(&mark),
                      v->color ? "\033[0m" : "");
    buf_deinit(&text);
    buf_deinit(&mark);
}

/* --- The words ------------------------------------------------------------------------ */

static void put_place(struct buf *out, const char *file, uint64_t line, uint64_t column)
{
    (void)buf_puts(out, file);
    if (line > 0)
        (void)buf_printf(out, ":%llu", (unsigned long long)line);
    if (line > 0 && column > 0)
        (void)buf_printf(out, ":%llu", (unsigned long long)column);
    (void)buf_puts(out, ": ");
}

static bool print_one(const struct diagnostics_view *v, struct str one, struct arena *arena)
{
    bool is_warning = str_eq(answer_raw(one, "severity"), "\"warning\"");
    uint64_t line = answer_uint(one, "line"), column = answer_uint(one, "column");
    const char *rule = answer_text(arena, one, "rule");
    struct buf place;

    buf_init(&place, TEXT_BYTES_MAX);
    put_place(&place, v->file, line, column);
    terminal_print(v->to, "%s", buf_cstr(&place));
    if (v->color)
        (void)fputs(is_warning ? "\033[1;35m" : "\033[1;31m", v->to);
    (void)fputs(is_warning ? "warning:" : "error:", v->to);
    if (v->color)
        (void)fputs("\033[0m", v->to);
    terminal_print(v->to, " %s", answer_text(arena, one, "message"));
    if (rule[0])
        terminal_print(v->to, " [rule '%s']", rule);
    (void)fputc('\n', v->to);
    print_excerpt(v, line, column);
    buf_deinit(&place);
    return !is_warning;
}

unsigned diagnostics_view_print(const struct diagnostics_view *v, struct str diagnostics)
{
    struct answer_list list = answer_list(diagnostics);
    struct str one;
    struct arena arena;
    unsigned errors = 0;

    arena_init(&arena, TEXT_BYTES_MAX);
    while (answer_next(&list, &one)) {
        errors += print_one(v, one, &arena);
        arena_deinit(&arena);
    }
    return errors;
}
