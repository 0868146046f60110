#include "keeper/policy_view.h"

#include "keeper/answer.h"
#include "keeper/terminal.h"

enum { ROW_BYTES_MAX = 64 * 1024, WHEN_LEN = sizeof("2026-01-31 12:00:00") - 1 };

/* A row is as much of `record` as there is room for in the columns of `name`. */
typedef void row_fn(struct table *t, struct arena *arena, struct str record, const char *name);

static void print(struct str records, const char *name, const char *const *headings, size_t columns,
                  row_fn *add_row, FILE *to)
{
    struct answer_list list = answer_list(records);
    struct arena arena;
    struct table t;
    struct str one;

    arena_init(&arena, ROW_BYTES_MAX);
    table_init(&t, headings, columns);
    while (answer_next(&list, &one)) {
        table_next_row(&t);
        add_row(&t, &arena, one, name);
        arena_deinit(&arena);
    }
    table_print(&t, to);
    table_free(&t);
}

/* --- Policies and versions -------------------------------------------------------------- */

/* "yes", or which other version of it decides. */
static void active_cell(struct table *t, struct arena *arena, struct str record)
{
    const char *active = answer_text(arena, record, "active_version");

    if (!answer_is(record, "active"))
        table_cell(t, 3, "no");
    else if (active[0] && strcmp(active, answer_text(arena, record, "version")) != 0)
        table_cell(t, 3, "version %s", active);
    else
        table_cell(t, 3, "yes");
}

/* What comes with the queen has no time and no message, but a description. */
static void add_policy(struct table *t, struct arena *arena, struct str record, const char *name)
{
    const char *message = answer_text(arena, record, "message");
    bool is_builtin = answer_uint(record, "bytes") == 0 || answer_is(record, "builtin");
    char time[ANSWER_TIME_SIZE];

    answer_time(record, "created_at", time);
    table_cell(t, 0, "%s", name ? name : answer_text(arena, record, "name"));
    table_cell(t, 1, "%s", answer_text(arena, record, "version"));
    table_cell(t, 2, "%s", answer_text(arena, record, "language"));
    active_cell(t, arena, record);
    table_cell(t, 4, "%.*s", WHEN_LEN, is_builtin ? "built in" : time);
    table_cell(t, 5, "%s", message[0] ? message : answer_text(arena, record, "header.description"));
}

static const char *const policy_headings[] = {
    "NAME", "VERSION", "LANGUAGE", "ACTIVE", "WHEN", "MESSAGE",
};

void policy_view_print_all(struct str answer, FILE *to)
{
    print(answer_raw(answer, "policies"), NULL, policy_headings, 6, add_policy, to);
}

void policy_view_print_versions(struct str answer, FILE *to)
{
    struct arena arena;

    arena_init(&arena, ROW_BYTES_MAX);
    print(answer_raw(answer, "versions"), answer_text(&arena, answer, "name"), policy_headings, 6,
          add_policy, to);
    arena_deinit(&arena);
}

/* --- Templates --------------------------------------------------------------------------- */

static void add_template(struct table *t, struct arena *arena, struct str record, const char *name)
{
    (void)name;
    table_cell(t, 0, "%s", answer_text(arena, record, "name"));
    table_cell(t, 1, "%s", answer_text(arena, record, "language"));
    table_cell(t, 2, "%s", answer_text(arena, record, "description"));
}

void policy_view_print_templates(struct str answer, FILE *to)
{
    static const char *const headings[] = { "NAME", "LANGUAGE", "DESCRIPTION" };

    print(answer_raw(answer, "templates"), NULL, headings, 3, add_template, to);
}
