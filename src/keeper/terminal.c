#include "keeper/terminal.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/utf8.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SPINNER_MS = 100, ROWS_FIRST = 16 };

static void on_frame(struct loop_timer *timer)
{
    static const char *const frames[] = { "⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏" };
    struct spinner *s = container_of(timer, struct spinner, timer);

    loop_timer_start(timer, SPINNER_MS);
    (void)fprintf(stderr, "\r%s %s", frames[s->frame++ % (sizeof(frames) / sizeof(frames[0]))],
                  s->text);
    (void)fflush(stderr);
}

void spinner_start(struct spinner *s, struct loop *loop, const char *text)
{
    *s = (struct spinner){ .text = text };
    if (!isatty(STDERR_FILENO))
        return;
    s->on = true;
    loop_timer_init(loop, &s->timer, on_frame);
    loop_timer_start(&s->timer, SPINNER_MS);
}

void spinner_stop(struct spinner *s)
{
    if (!s->on)
        return;
    s->on = false;
    loop_timer_stop(&s->timer);
    (void)fputs("\r\033[K", stderr);
    (void)fflush(stderr);
}

/* --- Tables ----------------------------------------------------------------- */

static char *cell(const struct table *t, size_t row, size_t column)
{
    return t->cells[row * t->columns + column];
}

void table_init(struct table *t, const char *const *headings, size_t columns)
{
    *t = (struct table){ .columns = columns };
    table_next_row(t);
    for (size_t i = 0; i < columns; i++)
        table_cell(t, i, "%s", headings[i]);
}

void table_next_row(struct table *t)
{
    if (t->rows == t->capacity) {
        t->capacity = t->capacity ? t->capacity * 2 : ROWS_FIRST;
        t->cells = realloc(t->cells, t->capacity * t->columns * sizeof(*t->cells));
        if (!t->cells)
            abort();
    }
    t->rows++;
    memset(cell(t, t->rows - 1, 0), 0, t->columns * sizeof(*t->cells));
}

/* Bytes of the first whole characters of `text` that stay below `size`. */
static size_t whole_characters(const char *text, size_t size)
{
    size_t len = strlen(text), end = 0, n;

    while (end < len && (n = utf8_sequence(text + end, len - end)) > 0 && end + n < size)
        end += n;
    return end;
}

void table_cell(struct table *t, size_t column, const char *fmt, ...)
{
    char *text = cell(t, t->rows - 1, column);
    va_list args;

    va_start(args, fmt);
    int len = vsnprintf(text, TABLE_CELL_SIZE, fmt, args);
    va_end(args);
    if (len >= TABLE_CELL_SIZE)
        text[whole_characters(text, TABLE_CELL_SIZE)] = '\0';
    for (; *text; text++)
        if ((unsigned char)*text < ' ' || *text == 127)
            *text = '?';
}

/* Characters, not bytes. */
static size_t width(const char *text)
{
    size_t count = 0;

    for (; *text; text++)
        count += ((unsigned char)*text & 0xc0) != 0x80;
    return count;
}

static void measure(const struct table *t, size_t widths[TABLE_COLUMNS_MAX])
{
    for (size_t row = 0; row < t->rows; row++)
        for (size_t column = 0; column < t->columns; column++)
            if (width(cell(t, row, column)) > widths[column])
                widths[column] = width(cell(t, row, column));
}

void table_print(const struct table *t, FILE *to)
{
    size_t widths[TABLE_COLUMNS_MAX] = { 0 };

    measure(t, widths);
    for (size_t row = 0; row < t->rows; row++) {
        size_t blanks = 0; /* owed before the next text */
        for (size_t column = 0; column < t->columns; column++) {
            const char *text = cell(t, row, column);
            if (*text)
                (void)fprintf(to, "%*s%s", (int)blanks, "", text);
            blanks = (*text ? 0 : blanks) + widths[column] - width(text) + 2;
        }
        (void)fputc('\n', to);
    }
}

void table_free(struct table *t)
{
    free(t->cells);
    *t = (struct table){ 0 };
}

/* --- Text of others ---------------------------------------------------------- */

static bool is_control(unsigned char c)
{
    return (c < ' ' && c != '\n' && c != '\t') || c == 127;
}

void terminal_write(FILE *to, struct str text)
{
    size_t from = 0;

    if (text.len == 0)
        return;
    if (!isatty(fileno(to))) {
        (void)fwrite(text.p, 1, text.len, to);
        return;
    }
    for (size_t i = 0; i < text.len; i++) {
        if (!is_control((unsigned char)text.p[i]))
            continue;
        (void)fwrite(text.p + from, 1, i - from, to);
        (void)fputs("\xef\xbf\xbd", to);
        from = i + 1;
    }
    (void)fwrite(text.p + from, 1, text.len - from, to);
}

void terminal_print(FILE *to, const char *fmt, ...)
{
    struct buf text;
    va_list args;

    buf_init(&text, TERMINAL_PRINT_MAX);
    va_start(args, fmt);
    (void)buf_vprintf(&text, fmt, args);
    va_end(args);
    terminal_write(to, buf_str(&text));
    buf_deinit(&text);
}
