#include "keeper/explain_view.h"

#include "keeper/answer.h"
#include "keeper/decision_view.h"
#include "keeper/terminal.h"

enum { TEXT_BYTES_MAX = 1024 * 1024, WORKERS_TOLD = 16, SOON_MS = 100 };

struct view {
    struct str json, workers;
    const char *worker_id; /* NULL: all */
    FILE *to;
    struct arena arena;
    struct str dispatch; /* the newest record that dispatched it; .p NULL: none is kept */
};

static const char *text(struct view *v, struct str json, const char *path)
{
    return answer_text(&v->arena, json, path);
}

static bool is_state(struct view *v, const char *state)
{
    return strcmp(text(v, v->json, "state"), state) == 0;
}

/* --- Where it is ---------------------------------------------------------------------- */

static bool is_dispatch_of(struct view *v, struct str decision)
{
    const char *job = text(v, decision, "job_id");

    return strcmp(text(v, decision, "action"), "dispatch") == 0 &&
           (!job[0] || strcmp(job, text(v, v->json, "job_id")) == 0);
}

/* The dispatch of this job in a record: its decision, or one of its batch. */
static struct str dispatch_in(struct view *v, struct str record)
{
    struct str decision = answer_raw(record, "decision"), one;
    struct answer_list actions = answer_list(answer_raw(decision, "actions"));

    if (is_dispatch_of(v, decision))
        return decision;
    while (answer_next(&actions, &one)) {
        if (is_dispatch_of(v, one))
            return one;
    }
    return (struct str){ 0 };
}

static void find_dispatch(struct view *v)
{
    struct answer_list records = answer_list(answer_raw(v->json, "decisions"));
    struct str one;

    while (!v->dispatch.p && answer_next(&records, &one)) {
        if (dispatch_in(v, one).p)
            v->dispatch = one;
    }
}

static void print_waiting(struct view *v)
{
    struct buf b;

    buf_init(&b, TEXT_BYTES_MAX);
    (void)buf_printf(&b, "Job %s is waiting: position %s of those for model %s, for ",
                     text(v, v->json, "job_id"), text(v, v->json, "position"),
                     text(v, v->json, "model"));
    decision_put_ms(&b, answer_uint(v->json, "waited_ms"));
    (void)buf_puts(&b, " so far; ");
    uint64_t start_ms = answer_uint(v->json, "predicted_start_ms");
    if (answer_raw(v->json, "predicted_start_ms").p && start_ms < SOON_MS) {
        (void)buf_puts(&b, "it should start any moment");
    } else if (answer_raw(v->json, "predicted_start_ms").p) {
        (void)buf_puts(&b, "it should start in about ");
        decision_put_ms(&b, start_ms);
    } else {
        (void)buf_puts(&b, "nobody can tell yet when it starts");
    }
    terminal_print(v->to, "%s.\n", buf_cstr(&b));
    buf_deinit(&b);
}

static void print_end(struct view *v)
{
    struct str outcome = answer_raw(v->dispatch, "job_outcome");
    struct buf b;

    if (!outcome.p) {
        terminal_print(v->to, "Job %s is not here any more.\n", text(v, v->json, "job_id"));
        return;
    }
    buf_init(&b, TEXT_BYTES_MAX);
    (void)buf_printf(&b, "Job %s is over (%s): it waited ", text(v, v->json, "job_id"),
                     text(v, outcome, "state"));
    decision_put_ms(&b, answer_uint(outcome, "queue_ms"));
    (void)buf_printf(&b, " and was on worker %s; ", text(v, outcome, "worker_id"));
    decision_put_ms(&b, answer_uint(outcome, "total_ms"));
    (void)buf_puts(&b, " in all");
    if (answer_raw(outcome, "error_code").p)
        (void)buf_printf(&b, "; it failed with %s", text(v, outcome, "error_code"));
    terminal_print(v->to, "%s.\n", buf_cstr(&b));
    buf_deinit(&b);
}

static void print_state(struct view *v)
{
    if (is_state(v, "queued"))
        print_waiting(v);
    else if (is_state(v, "ended"))
        print_end(v);
    else
        terminal_print(v->to, "Job %s is %s on worker %s.\n", text(v, v->json, "job_id"),
                       text(v, v->json, "state"), text(v, v->json, "worker_id"));
}

/* --- Why it went there ------------------------------------------------------------------ */

static void put_failure(struct view *v, struct buf *b, struct str record)
{
    if (!answer_raw(record, "reason").p)
        return;
    (void)buf_printf(b, " in place of %s, which failed (%s: %s)", text(v, record, "asked_policy"),
                     text(v, record, "reason"), text(v, record, "message"));
}

static void print_choice(struct view *v)
{
    struct str decision = dispatch_in(v, v->dispatch);
    const char *reason = text(v, decision, "reason");
    struct buf b;

    buf_init(&b, TEXT_BYTES_MAX);
    (void)buf_printf(&b, "It went to %s because ", text(v, decision, "worker_id"));
    decision_put_policy(&b, v->dispatch);
    (void)buf_puts(&b, " chose it");
    put_failure(v, &b, v->dispatch);
    if (reason[0])
        (void)buf_printf(&b, ": %s", reason);
    terminal_print(v->to, "%s (decision %s).\n", buf_cstr(&b), text(v, v->dispatch, "id"));
    buf_deinit(&b);
}

/* "w1 was not taken: wrong_model, it served another model." */
static void print_candidate_then(struct view *v, struct str candidate, const char *chosen)
{
    const char *worker = text(v, candidate, "worker_id");
    const char *verdict = text(v, candidate, "verdict"), *score = text(v, candidate, "score");
    const char *words = decision_verdict_words(verdict);

    if (strcmp(worker, chosen) == 0)
        terminal_print(v->to, "%s was taken", worker);
    else if (strcmp(verdict, "ok") == 0)
        terminal_print(v->to, "%s could have run it, and was not chosen", worker);
    else
        terminal_print(v->to, "%s was not taken: %s%s%s", worker, verdict, words ? ", " : "",
                       words ? words : "");
    if (score[0])
        terminal_print(v->to, " (score %s)", score);
    (void)fputs(".\n", v->to);
}

static void print_candidates_then(struct view *v)
{
    struct answer_list list = answer_list(answer_raw(v->dispatch, "candidates"));
    const char *chosen = text(v, dispatch_in(v, v->dispatch), "worker_id");
    uint64_t told = 0, left = answer_uint(v->dispatch, "omitted");
    struct str one;

    while (answer_next(&list, &one)) {
        const char *worker = text(v, one, "worker_id");
        if (v->worker_id ? strcmp(worker, v->worker_id) != 0 : told == WORKERS_TOLD) {
            left++;
            continue;
        }
        print_candidate_then(v, one, chosen);
        told++;
    }
    if (v->worker_id && told == 0)
        terminal_print(v->to, "%s was not there, or its verdict is not kept any more.\n",
                       v->worker_id);
    else if (!v->worker_id && left > 0)
        (void)fprintf(v->to, "%llu more: rbee policy decisions %s\n", (unsigned long long)left,
                      text(v, v->dispatch, "id"));
}

/* --- Why it waits -------------------------------------------------------------------------- */

/* "busy (4 of 4 slots)"; false when nothing more is known of the worker. */
static bool put_load(struct view *v, struct buf *b, const char *worker)
{
    struct answer_list list = answer_list(v->workers);
    struct str one;

    while (answer_next(&list, &one)) {
        if (strcmp(text(v, one, "worker_id"), worker) != 0)
            continue;
        (void)buf_printf(b, "busy (%s of %s slots)", text(v, one, "in_flight"),
                         text(v, one, "slots"));
        return true;
    }
    return false;
}

static void print_candidate_now(struct view *v, struct str candidate)
{
    const char *worker = text(v, candidate, "worker_id"), *verdict = text(v, candidate, "verdict");
    struct buf b;

    buf_init(&b, TEXT_BYTES_MAX);
    if (strcmp(verdict, "no_room") != 0 || !put_load(v, &b, worker))
        (void)buf_puts(&b, text(v, candidate, "why"));
    terminal_print(v->to, "  %s: %s, %s\n", worker, verdict, buf_cstr(&b));
    buf_deinit(&b);
}

static uint64_t count_of_model(struct view *v)
{
    static const char *const verdicts[] = {
        "ok", "wrong_worker", "wrong_pool", "tried", "offline", "not_ready", "no_room",
    };
    char path[64];
    uint64_t count = 0;

    for (size_t i = 0; i < sizeof(verdicts) / sizeof(verdicts[0]); i++) {
        (void)snprintf(path, sizeof(path), "verdicts.%s", verdicts[i]);
        count += answer_uint(v->json, path);
    }
    return count;
}

/* The queen knows best what she does about it; what a person can do is told when she does
 * nothing. */
static void print_nobody_serves_it(struct view *v)
{
    terminal_print(v->to, "%s.\n", text(v, v->json, "summary"));
    if (answer_uint(v->json, "starting") == 0)
        terminal_print(v->to, "Start one with: rbee worker spawn --model %s\n",
                       text(v, v->json, "model"));
}

static void print_why_waiting(struct view *v)
{
    const char *model = text(v, v->json, "model");

    if (answer_uint(v->json, "verdicts.ok") > 0)
        terminal_print(
            v->to,
            "Some workers of model %s have room; it waits for those before it, or because "
            "%s wants it to:\n",
            model, text(v, v->json, "policy"));
    else if (count_of_model(v) > 0)
        terminal_print(v->to, "No worker of model %s has room for it:\n", model);
    else
        print_nobody_serves_it(v);
}

/* Workers of other models are told only when one is asked for: there may be many. */
static void print_candidates_now(struct view *v)
{
    struct answer_list list = answer_list(answer_raw(v->json, "candidates"));
    uint64_t told = 0, left = answer_uint(v->json, "omitted");
    struct str one;

    while (answer_next(&list, &one)) {
        bool is_other = strcmp(text(v, one, "verdict"), "wrong_model") == 0;
        if (!v->worker_id && (is_other || told == WORKERS_TOLD)) {
            left += !is_other;
            continue;
        }
        print_candidate_now(v, one);
        told++;
    }
    if (left > 0)
        (void)fprintf(v->to, "  %llu more\n", (unsigned long long)left);
}

/* The last word about it, when that was not a dispatch: why the policy has it wait. */
static void print_last_decision(struct view *v)
{
    struct answer_list records = answer_list(answer_raw(v->json, "decisions"));
    struct str newest;
    struct buf b;

    if (!answer_next(&records, &newest))
        return;
    buf_init(&b, TEXT_BYTES_MAX);
    decision_put_policy(&b, newest);
    (void)buf_puts(&b, " decided last");
    put_failure(v, &b, newest);
    (void)buf_puts(&b, ": ");
    decision_put_words(&b, answer_raw(newest, "decision"));
    terminal_print(v->to, "%s (decision %s).\n", buf_cstr(&b), text(v, newest, "id"));
    buf_deinit(&b);
}

void explain_view_print(struct str explanation, struct str workers, const char *worker_id, FILE *to)
{
    struct view v = {
        .json = explanation,
        .workers = workers,
        .worker_id = worker_id,
        .to = to,
    };

    arena_init(&v.arena, 64 * (size_t)TEXT_BYTES_MAX);
    find_dispatch(&v);
    print_state(&v);
    if (is_state(&v, "queued")) {
        print_last_decision(&v);
        if (!worker_id)
            print_why_waiting(&v);
        print_candidates_now(&v);
    } else if (v.dispatch.p) {
        print_choice(&v);
        print_candidates_then(&v);
    } else {
        print_last_decision(&v);
    }
    arena_deinit(&v.arena);
}
