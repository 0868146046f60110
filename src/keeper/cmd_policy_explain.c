/* rbee policy explain - why a job went where it is, why it waits, why not that worker. */
#include "keeper/policy_work.h"

#include "keeper/answer.h"
#include "keeper/explain_view.h"

static int ask(struct policy_work *c, struct err *err)
{
    struct buf path;

    buf_init(&path, POLICY_PATH_BYTES_MAX);
    (void)buf_puts(&path, "explain?job_id=");
    policy_put_escaped(&path, c->operands[0]);
    if (c->options->worker) {
        (void)buf_puts(&path, "&worker_id=");
        policy_put_escaped(&path, c->options->worker);
    }
    return policy_get(c, &path, err);
}

static int explain(struct policy_work *c, struct err *err)
{
    struct buf result;
    struct err ignored;

    int rc = ask(c, err);
    if (rc < 0)
        return rc;
    if (c->keeper->json) {
        policy_print_answer(c);
        return EXIT_DONE;
    }
    /* How busy they are is a help, no need. */
    buf_init(&result, KEEPER_ANSWER_MAX);
    if (keeper_job_result(c->keeper, &c->queen, str_of("{\"operation\":\"active_worker_list\"}"),
                          &result, &ignored) < 0)
        buf_clear(&result);
    explain_view_print(buf_str(&c->answer), answer_raw(buf_str(&result), "workers"),
                       c->options->worker, stdout);
    buf_deinit(&result);
    return EXIT_DONE;
}

static int run(struct keeper *k, void *options, int operands_len, char **operands)
{
    return policy_command(k, options, operands_len, operands, explain);
}

/* clang-format off */
static const struct option rows[] = {
    { .name = "worker", .letter = 'w', .type = OPTION_TEXT, POLICY_ROW(worker), .metavar = "ID",
      .help = "Tell of this worker alone: why not there?" },
    COMMON_ROWS(policy_options), { 0 },
};

const struct command cmd_policy_explain = {
    POLICY_LEAF("explain", "[OPTION]... JOB", "Explain where a job went, or why it waits", rows),
    .operands_min = 1, .operands_max = 1, .run = run,
};
/* clang-format on */
