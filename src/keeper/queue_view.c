#include "keeper/queue_view.h"

#include "keeper/answer.h"
#include "keeper/decision_view.h"
#include "keeper/terminal.h"

#include <stdlib.h>

enum { TOLD_MAX = 20, ROW_BYTES_MAX = 64 * 1024 };

struct waiting {
    struct str json;
    uint64_t position;
    size_t age; /* place in the list, which has the newest first */
};

size_t queue_view_collect(struct str page, struct json_out *array)
{
    struct answer_list jobs = answer_list(answer_raw(page, "jobs"));
    struct str one;
    size_t count = 0;

    while (answer_next(&jobs, &one)) {
        if (!str_eq(answer_raw(one, "status"), "\"queued\"") || !answer_raw(one, "position").p)
            continue;
        json_raw(array, NULL, one);
        count++;
    }
    return count;
}

/* Positions are counted for each model; among equal ones the older is told first. */
static int by_position(const void *a, const void *b)
{
    const struct waiting *x = a, *y = b;

    if (x->position != y->position)
        return x->position < y->position ? -1 : 1;
    return x->age > y->age ? -1 : x->age < y->age;
}

static struct waiting *read_all(struct str json, size_t *ret_len)
{
    struct answer_list list = answer_list(json);
    struct waiting *all = NULL;
    size_t len = 0, capacity = 0;
    struct str one;

    while (answer_next(&list, &one)) {
        if (len == capacity) {
            capacity = capacity ? 2 * capacity : 64;
            all = realloc(all, capacity * sizeof(*all));
            if (!all)
                abort();
        }
        all[len] = (struct waiting){ one, answer_uint(one, "position"), len };
        len++;
    }
    *ret_len = len;
    return all;
}

static void ms_cell(struct table *t, size_t column, struct str json, const char *member)
{
    char text[32];
    struct buf b;

    if (!answer_raw(json, member).p) {
        table_cell(t, column, "?");
        return;
    }
    buf_init_fixed(&b, text, sizeof(text));
    decision_put_ms(&b, answer_uint(json, member));
    table_cell(t, column, "%s", buf_cstr(&b));
}

static void add_row(struct table *t, struct str job)
{
    struct arena arena;

    arena_init(&arena, ROW_BYTES_MAX);
    table_next_row(t);
    table_cell(t, 0, "%s", answer_text(&arena, job, "position"));
    table_cell(t, 1, "%s", answer_text(&arena, job, "job_id"));
    table_cell(t, 2, "%s", answer_text(&arena, job, "model"));
    table_cell(t, 3, "%s", answer_text(&arena, job, "priority"));
    ms_cell(t, 4, job, "predicted_start_ms");
    ms_cell(t, 5, job, "queue_ms");
    arena_deinit(&arena);
}

void queue_view_print(struct str waiting, uint64_t queue_depth, FILE *to)
{
    static const char *const headings[] = {
        "POSITION", "WAITING JOB", "MODEL", "PRIORITY", "STARTS IN", "WAITED",
    };
    struct table t;
    size_t len, told;

    struct waiting *all = read_all(waiting, &len);
    if (len > 0)
        qsort(all, len, sizeof(*all), by_position);
    table_init(&t, headings, sizeof(headings) / sizeof(headings[0]));
    for (told = 0; told < len && told < TOLD_MAX; told++)
        add_row(&t, all[told].json);
    if (told > 0)
        table_print(&t, to);
    if (len > told)
        (void)fprintf(to, "%zu more jobs\n", len - told);
    if (queue_depth > len)
        (void)fprintf(to, "%llu %s on no list (OpenAI routes)\n",
                      (unsigned long long)(queue_depth - len),
                      queue_depth - len == 1 ? "request waits that is" : "requests wait that are");
    if (queue_depth == 0 && len == 0)
        (void)fputs("Queue: nobody waits\n", to);
    table_free(&t);
    free(all);
}
