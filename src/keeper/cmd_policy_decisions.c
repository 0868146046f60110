/* rbee policy decisions - what was decided, newest first, or one decision whole. */
#include "keeper/policy_work.h"

#include "keeper/answer.h"
#include "keeper/decision_view.h"

#include "base/parse.h"

static int ask_for_list(struct policy_work *c, struct err *err)
{
    struct buf path;

    buf_init(&path, POLICY_PATH_BYTES_MAX);
    (void)buf_printf(&path, "decisions?limit=%lld", (long long)c->options->limit);
    if (c->options->job) {
        (void)buf_puts(&path, "&job_id=");
        policy_put_escaped(&path, c->options->job);
    }
    return policy_get(c, &path, err);
}

static int ask_for_one(struct policy_work *c, struct err *err)
{
    const char *id = c->operands[0];
    char path[64];
    uint64_t number;

    if (!parse_u64_str(str_of(id), &number))
        return err_set(err, ERR_INVALID,
                       "'%s': a decision's ID is a number; for those of a job: --job", id);
    (void)snprintf(path, sizeof(path), "decisions/%llu", (unsigned long long)number);
    return policy_ask(c, "GET", path, (struct str){ 0 }, err);
}

static int decisions(struct policy_work *c, struct err *err)
{
    bool is_one = c->operands_len == 1;
    int rc = is_one ? ask_for_one(c, err) : ask_for_list(c, err);

    if (rc < 0)
        return rc;
    if (c->keeper->json)
        policy_print_answer(c);
    else if (is_one)
        decision_view_print_one(buf_str(&c->answer), stdout);
    else
        decision_view_print_list(answer_raw(buf_str(&c->answer), "decisions"), stdout);
    return EXIT_DONE;
}

static int run(struct keeper *k, void *options, int operands_len, char **operands)
{
    return policy_command(k, options, operands_len, operands, decisions);
}

/* clang-format off */
static const struct option rows[] = {
    { .name = "job", .type = OPTION_TEXT, POLICY_ROW(job), .metavar = "JOB", .help = "Only those about this job" },
    { .name = "limit", .letter = 'n', .type = OPTION_INT, POLICY_ROW(limit), .fallback = "20", .metavar = "N", .min = 1, .max = 1000,
      .help = "How many, newest first" },
    COMMON_ROWS(policy_options), { 0 },
};

const struct command cmd_policy_decisions = {
    POLICY_LEAF("decisions", "[OPTION]... [ID]", "List what was decided, or show one decision with its candidates", rows),
    .description = "With --json, the member 'context' of one decision is the whole state that it came from: "
                   "what 'rbee policy simulate --context' reads.",
    .operands_max = 1, .run = run,
};
/* clang-format on */
