#include "keeper/queue_view.h"

#include "keeper/answer.h"
#include "keeper/decision_view.h"
#include "keeper/terminal.h"

enum { TOLD_MAX = 20, ROW_BYTES_MAX = 64 * 1024 };

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
    struct answer_list jobs = answer_list(waiting);
    uint64_t told = 0;
    struct table t;
    struct str one;

    table_init(&t, headings, sizeof(headings) / sizeof(headings[0]));
    while (told < TOLD_MAX && answer_next(&jobs, &one)) {
        add_row(&t, one);
        told++;
    }
    if (told > 0)
        table_print(&t, to);
    if (queue_depth > told)
        (void)fprintf(to, "%llu more jobs\n", (unsigned long long)(queue_depth - told));
    if (queue_depth == 0 && told == 0)
        (void)fputs("Queue: nobody waits\n", to);
    table_free(&t);
}
