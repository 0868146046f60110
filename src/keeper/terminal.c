#include "keeper/terminal.h"

#include "base/mem.h"

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

void table_cell(struct table *t, size_t column, const char *fmt, ...)
{
    char *text = cell(t, t->rows - 1, column);
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(text, TABLE_CELL_SIZE, fmt, args);
    va_end(args);
    for (; *text; text++)
        if ((unsigned char)*text < ' ')
            *text = '?';
}

void table_print(const struct table *t, FILE *to)
{
    size_t widths[TABLE_COLUMNS_MAX] = { 0 };

    for (size_t row = 0; row < t->rows; row++)
        for (size_t column = 0; column < t->columns; column++)
            if (strlen(cell(t, row, column)) > widths[column])
                widths[column] = strlen(cell(t, row, column));
    for (size_t row = 0; row < t->rows; row++) {
        for (size_t column = 0; column + 1 < t->columns; column++)
            (void)fprintf(to, "%-*s  ", (int)widths[column], cell(t, row, column));
        (void)fprintf(to, "%s\n", cell(t, row, t->columns - 1));
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
