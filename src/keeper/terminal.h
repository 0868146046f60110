/* terminal - what people see of waiting and of lists: a spinner, progress on stderr,
 * plain tables on stdout. Nothing of it moves when it is not a terminal. */
#pragma once

#include "base/str.h"
#include "loop/loop.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* One line on stderr that shows life until it is stopped. */
struct spinner {
    struct loop_timer timer;
    const char *text; /* borrowed */
    unsigned frame;
    bool on;
};
void spinner_start(struct spinner *s, struct loop *loop,
                   const char *text); /* no-op off a terminal */
void spinner_stop(struct spinner *s); /* idempotent; leaves the line empty */

/* Columns as wide as their widest cell, by characters; nothing is padded at a line's end.
 * What does not fit into a cell is cut. */
enum { TABLE_COLUMNS_MAX = 12, TABLE_CELL_SIZE = 96 };
struct table {
    char (*cells)[TABLE_CELL_SIZE];
    size_t columns, rows, capacity; /* the first row holds the headings */
};
void table_init(struct table *t, const char *const *headings, size_t columns);
void table_cell(struct table *t, size_t column, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void table_next_row(struct table *t);
void table_print(const struct table *t, FILE *to);
void table_free(struct table *t);

/* Text from a peer, made safe for a terminal: control bytes but newline and tab become
 * U+FFFD. Writes to `to`; what is not a terminal gets the bytes as they are. */
void terminal_write(FILE *to, struct str text);

/* The same for what is put together from such texts; at most TERMINAL_PRINT_MAX bytes. */
enum { TERMINAL_PRINT_MAX = 64 * 1024 };
void terminal_print(FILE *to, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
