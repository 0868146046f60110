#include "keeper/status_view.h"

#include "base/json.h"
#include "keeper/terminal.h"

/* One value of any scalar type as the text of a cell. */
static void read_cell(struct json *j, char *cell, size_t size)
{
    struct str raw = { 0 };

    if (json_peek(j) == JSON_STRING) {
        json_read_text(j, cell, size);
        return;
    }
    json_read_raw(j, &raw);
    if (!j->failed && !str_eq(raw, "null"))
        (void)snprintf(cell, size, "%.*s", (int)(raw.len < size ? raw.len : size - 1), raw.p);
}

/* A table of objects: which member goes into which column. */
struct view {
    const char *part; /* of the result */
    const char *title;
    size_t columns;
    const char *members[TABLE_COLUMNS_MAX];
    const char *headings[TABLE_COLUMNS_MAX];
};

/* clang-format off */
static const struct view views[] = {
    { "hives", "Hives", 5,
      { "id", "operational_status", "liveness", "address", "port" },
      { "HIVE", "STATUS", "LIVENESS", "ADDRESS", "PORT" } },
    { "workers", "Workers", 9,
      { "worker_id", "model", "state", "liveness", "in_flight", "slots", "cpu_pct", "rss_mb", "hive_id" },
      { "WORKER", "MODEL", "STATE", "LIVENESS", "BUSY", "SLOTS", "CPU%", "RSS MB", "HIVE" } },
    { "models", "Models", 2,
      { "id", "workers_ready" },
      { "MODEL", "WORKERS READY" } },
};
/* clang-format on */

static void read_row(struct json *j, const struct view *v, struct table *t)
{
    char cells[TABLE_COLUMNS_MAX][TABLE_CELL_SIZE] = { { 0 } };

    json_object(j)
    {
        for (size_t i = 0; i < v->columns; i++)
            if (json_key(j, v->members[i])) {
                read_cell(j, cells[i], sizeof(cells[i]));
                break;
            }
    }
    table_next_row(t);
    for (size_t i = 0; i < v->columns; i++)
        table_cell(t, i, "%s", cells[i]);
}

static void print_view(struct json *j, const struct view *v, FILE *to)
{
    struct table t;

    table_init(&t, v->headings, v->columns);
    json_array(j)
    {
        read_row(j, v, &t);
    }
    if (t.rows > 1)
        table_print(&t, to);
    else
        (void)fprintf(to, "%s: none\n", v->title);
    (void)fputc('\n', to);
    table_free(&t);
}

enum { VERSION, MODE, SCHEDULER, POLICY, POLICY_STATE, QUEUED, RUNNING, QUEEN_CELLS };
static const char *const queen_members[QUEEN_CELLS] = {
    "version", "mode", "scheduler", "policy", "policy_state", "queue_depth", "running",
};

/* "sj (not asked now: breaker; platform decides meanwhile)" */
static void print_policy(char cells[][TABLE_CELL_SIZE], FILE *to)
{
    const char *policy = cells[POLICY], *state = cells[POLICY_STATE];

    (void)fprintf(to, "policy %s", *policy ? policy : cells[SCHEDULER]);
    if (*policy && strcmp(state, "ok") != 0)
        (void)fprintf(to, " (not asked now: %s; %s decides meanwhile)", state, cells[SCHEDULER]);
}

static void print_queen(struct json *j, FILE *to)
{
    char cells[QUEEN_CELLS][TABLE_CELL_SIZE] = { [QUEUED] = "0", [RUNNING] = "0" };

    json_object(j)
    {
        for (size_t i = 0; i < QUEEN_CELLS; i++)
            if (json_key(j, queen_members[i])) {
                read_cell(j, cells[i], sizeof(cells[i]));
                break;
            }
    }
    (void)fprintf(to, "Queen %s, %s mode, ", cells[VERSION], cells[MODE]);
    print_policy(cells, to);
    (void)fprintf(to, ": %s running, %s waiting\n\n", cells[RUNNING], cells[QUEUED]);
}

static const struct view *view_of(const struct json *j, const char *only)
{
    for (size_t i = 0; i < sizeof(views) / sizeof(views[0]); i++)
        if (json_key(j, views[i].part) && (!only || strcmp(only, views[i].part) == 0))
            return &views[i];
    return NULL;
}

static int print(struct str result, const char *only, FILE *to, struct err *err)
{
    struct json j;

    json_init(&j, result);
    json_object(&j)
    {
        const struct view *v = view_of(&j, only);
        if (v)
            print_view(&j, v, to);
        else if (!only && json_key(&j, "queen"))
            print_queen(&j, to);
        else
            json_skip(&j);
    }
    return json_finish(&j, err);
}

int status_view_print(struct str result, FILE *to, struct err *err)
{
    return print(result, NULL, to, err);
}

int status_view_print_part(struct str result, const char *part, FILE *to, struct err *err)
{
    return print(result, part, to, err);
}
