#include "keeper/decision_view.h"

#include "keeper/answer.h"
#include "keeper/terminal.h"

enum { WORDS_BYTES_MAX = 16 * 1024, TEXT_BYTES_MAX = 256 * 1024 };

/* --- Words -------------------------------------------------------------------------- */

const char *decision_verdict_words(const char *verdict)
{
    /* clang-format off */
    static const struct {
        const char *verdict, *words;
    } rows[] = {
        { "wrong_model",  "it served another model" },
        { "wrong_worker", "the job asked for another worker by its id" },
        { "wrong_pool",   "the job asked for another hive by its id" },
        { "tried",        "it had failed this job before" },
        { "offline",      "nothing had been heard of it for too long" },
        { "not_ready",    "it was starting, draining or failed" },
        { "no_room",      "all of its slots were taken" },
    };
    /* clang-format on */

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (strcmp(rows[i].verdict, verdict) == 0)
            return rows[i].words;
    }
    return NULL;
}

void decision_put_ms(struct buf *out, uint64_t ms)
{
    if (ms < 1000)
        (void)buf_printf(out, "%llu ms", (unsigned long long)ms);
    else if (ms < 120 * 1000)
        (void)buf_printf(out, "%.1f s", (double)ms / 1000);
    else
        (void)buf_printf(out, "%llu min", (unsigned long long)(ms + 30000) / 60000);
}

void decision_put_policy(struct buf *out, struct str record)
{
    struct arena arena;

    arena_init(&arena, TEXT_BYTES_MAX);
    const char *version = answer_text(&arena, record, "version");
    (void)buf_printf(out, "%s%s%s", answer_text(&arena, record, "policy"), version[0] ? "@" : "",
                     version);
    arena_deinit(&arena);
}

/* What an action is done with: member, and the words before it. */
/* clang-format off */
static const struct {
    const char *member, *before, *after;
} details[] = {
    { "worker_id",              " ",          "" },
    { "code",                   " with ",     "" },
    { "start_worker.model_ref", " for ",      "" },
    { "start_worker.pool_id",   " on hive ",  "" },
    { "start_worker.gpu_id",    " on GPU ",   "" },
    { "retry_after_ms",         ", again in ", " ms" },
};
/* clang-format on */

static void put_action(struct buf *out, struct arena *arena, struct str decision, bool with_job)
{
    const char *action = answer_text(arena, decision, "action");
    const char *job = answer_text(arena, decision, "job_id");
    const char *reason = answer_text(arena, decision, "reason");
    bool is_dispatch = strcmp(action, "dispatch") == 0;

    (void)buf_puts(out, action);
    if (with_job && job[0])
        (void)buf_printf(out, " %s", job);
    if (is_dispatch)
        (void)buf_puts(out, " to");
    for (size_t i = 0; i < sizeof(details) / sizeof(details[0]); i++) {
        const char *value = answer_text(arena, decision, details[i].member);
        if (value[0])
            (void)buf_printf(out, "%s%s%s", details[i].before, value, details[i].after);
    }
    if (reason[0])
        (void)buf_printf(out, ": %s", reason);
}

void decision_put_words(struct buf *out, struct str decision)
{
    struct answer_list actions = answer_list(answer_raw(decision, "actions"));
    struct arena arena;
    struct str one;
    bool is_batch = false;

    arena_init(&arena, TEXT_BYTES_MAX);
    while (answer_next(&actions, &one)) {
        if (is_batch)
            (void)buf_puts(out, "; ");
        put_action(out, &arena, one, true);
        is_batch = true;
    }
    if (!is_batch)
        put_action(out, &arena, decision, false);
    arena_deinit(&arena);
}

/* A policy that was asked about the whole queue names the job itself. */
static const char *job_of(struct arena *arena, struct str record)
{
    const char *job = answer_text(arena, record, "job_id");

    return job[0] ? job : answer_text(arena, record, "decision.job_id");
}

/* --- The list ------------------------------------------------------------------------ */

/* The worker has a column of its own. */
static void put_short(struct buf *out, struct arena *arena, struct str decision)
{
    const char *action = answer_text(arena, decision, "action");
    const char *reason = answer_text(arena, decision, "reason");

    if (strcmp(action, "dispatch") != 0 && strcmp(action, "evict") != 0) {
        decision_put_words(out, decision);
        return;
    }
    (void)buf_printf(out, "%s%s%s", action, reason[0] ? ": " : "", reason);
}

static void add_row(struct table *t, struct arena *arena, struct str record)
{
    struct str decision = answer_raw(record, "decision");
    char time[ANSWER_TIME_SIZE];
    struct buf policy, words;

    buf_init(&policy, WORDS_BYTES_MAX);
    buf_init(&words, WORDS_BYTES_MAX);
    decision_put_policy(&policy, record);
    put_short(&words, arena, decision);
    answer_time(record, "time", time);
    table_next_row(t);
    table_cell(t, 0, "%s", answer_text(arena, record, "id"));
    table_cell(t, 1, "%s", time);
    table_cell(t, 2, "%s", job_of(arena, record));
    table_cell(t, 3, "%s", buf_cstr(&policy));
    table_cell(t, 4, "%s", buf_cstr(&words));
    table_cell(t, 5, "%s", answer_text(arena, decision, "worker_id"));
    table_cell(t, 6, "%s", answer_text(arena, record, "time_us"));
    const char *reason = answer_text(arena, record, "reason");
    if (reason[0])
        table_cell(t, 7, "%s: %s", answer_text(arena, record, "asked_policy"), reason);
    buf_deinit(&policy);
    buf_deinit(&words);
}

void decision_view_print_list(struct str records, FILE *to)
{
    static const char *const headings[] = {
        "ID", "TIME", "JOB", "POLICY", "DECISION", "WORKER", "µS", "FAILURE",
    };
    struct answer_list list = answer_list(records);
    struct table t;
    struct arena arena;
    struct str one;

    arena_init(&arena, TEXT_BYTES_MAX);
    table_init(&t, headings, sizeof(headings) / sizeof(headings[0]));
    while (answer_next(&list, &one)) {
        add_row(&t, &arena, one);
        arena_deinit(&arena);
    }
    if (t.rows > 1)
        table_print(&t, to);
    else
        (void)fputs("no decisions are kept\n", to);
    table_free(&t);
}

/* --- One ----------------------------------------------------------------------------- */

static void print_line(FILE *to, const char *name, const char *text)
{
    if (text[0])
        terminal_print(to, "  %-9s %s\n", name, text);
}

static void print_outcome(FILE *to, struct arena *arena, struct str outcome)
{
    struct buf b;

    if (!outcome.p)
        return;
    buf_init(&b, WORDS_BYTES_MAX);
    (void)buf_printf(&b, "%s on %s: waited ", answer_text(arena, outcome, "state"),
                     answer_text(arena, outcome, "worker_id"));
    decision_put_ms(&b, answer_uint(outcome, "queue_ms"));
    (void)buf_puts(&b, ", first token after ");
    decision_put_ms(&b, answer_uint(outcome, "ttft_ms"));
    (void)buf_puts(&b, ", ");
    decision_put_ms(&b, answer_uint(outcome, "total_ms"));
    (void)buf_printf(&b, " in all; %s tokens in, %s out", answer_text(arena, outcome, "tokens_in"),
                     answer_text(arena, outcome, "tokens_out"));
    if (answer_raw(outcome, "error_code").p)
        (void)buf_printf(&b, "; %s", answer_text(arena, outcome, "error_code"));
    print_line(to, "outcome", buf_cstr(&b));
    buf_deinit(&b);
}

static void print_failure(FILE *to, struct arena *arena, struct str record)
{
    struct buf b;

    if (!answer_raw(record, "reason").p)
        return;
    buf_init(&b, WORDS_BYTES_MAX);
    (void)buf_printf(&b, "%s could not decide (%s): %s", answer_text(arena, record, "asked_policy"),
                     answer_text(arena, record, "reason"), answer_text(arena, record, "message"));
    print_line(to, "failure", buf_cstr(&b));
    buf_deinit(&b);
}

static void print_facts(FILE *to, struct arena *arena, struct str record)
{
    char time[ANSWER_TIME_SIZE];
    struct buf policy, words, took;

    buf_init(&policy, WORDS_BYTES_MAX);
    buf_init(&words, WORDS_BYTES_MAX);
    buf_init(&took, WORDS_BYTES_MAX);
    decision_put_policy(&policy, record);
    decision_put_words(&words, answer_raw(record, "decision"));
    (void)buf_printf(&took, "%s µs", answer_text(arena, record, "time_us"));
    answer_time(record, "time", time);
    terminal_print(to, "Decision %s, %s\n", answer_text(arena, record, "id"), time);
    print_line(to, "job", job_of(arena, record));
    print_line(to, "policy", buf_cstr(&policy));
    print_line(to, "decision", buf_cstr(&words));
    print_failure(to, arena, record);
    print_line(to, "took", buf_cstr(&took));
    print_outcome(to, arena, answer_raw(record, "job_outcome"));
    print_line(to, "inputs", answer_text(arena, record, "inputs_hash"));
    buf_deinit(&policy);
    buf_deinit(&words);
    buf_deinit(&took);
}

static void print_candidates(FILE *to, struct arena *arena, struct str record)
{
    static const char *const headings[] = { "CANDIDATE", "VERDICT", "SCORE", "" };
    struct answer_list list = answer_list(answer_raw(record, "candidates"));
    const char *chosen = answer_text(arena, record, "decision.worker_id");
    struct table t;
    struct str one;

    table_init(&t, headings, sizeof(headings) / sizeof(headings[0]));
    while (answer_next(&list, &one)) {
        const char *worker = answer_text(arena, one, "worker_id");
        table_next_row(&t);
        table_cell(&t, 0, "%s", worker);
        table_cell(&t, 1, "%s", answer_text(arena, one, "verdict"));
        table_cell(&t, 2, "%s", answer_text(arena, one, "score"));
        table_cell(&t, 3, "%s", strcmp(worker, chosen) == 0 ? "<- chosen" : "");
    }
    (void)fputc('\n', to);
    if (t.rows > 1)
        table_print(&t, to);
    else
        terminal_print(to, "Candidates: none%s%s\n", answer_raw(record, "note").p ? "; " : "",
                       answer_text(arena, record, "note"));
    if (answer_uint(record, "omitted") > 0)
        (void)fprintf(to, "%llu more are not shown\n",
                      (unsigned long long)answer_uint(record, "omitted"));
    table_free(&t);
}

static void print_log(FILE *to, struct arena *arena, struct str record)
{
    struct answer_list list = answer_list(answer_raw(record, "log"));
    struct str one;
    bool has_any = false;

    while (answer_next(&list, &one)) {
        struct json j;
        json_init(&j, one);
        json_read_str(&j, arena, &one);
        if (!has_any)
            (void)fputs("\nLog\n", to);
        terminal_print(to, "  %.*s\n", STR_ARG(one));
        has_any = true;
    }
}

void decision_view_print_one(struct str record, FILE *to)
{
    struct arena arena;

    arena_init(&arena, 16 * TEXT_BYTES_MAX);
    print_facts(to, &arena, record);
    print_candidates(to, &arena, record);
    print_log(to, &arena, record);
    arena_deinit(&arena);
}
