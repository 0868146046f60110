/* rbee policy simulate - what a policy would decide in a state that is given. */
#include "keeper/policy_text.h"

#include "keeper/answer.h"
#include "keeper/decision_view.h"
#include "keeper/terminal.h"

enum { WORDS_BYTES_MAX = 64 * 1024, BODY_BYTES_MAX = 128 * 1024 * 1024 };

/* --- The request --------------------------------------------------------------------- */

/* Mistakes are told here, with their line: the queen would name a place in our request. */
static int read_context(const struct policy_work *c, struct buf *text, struct err *err)
{
    const char *path = c->options->context;

    if (!path)
        return err_set(
            err, ERR_MISSING,
            "say in which state it shall decide: --context FILE, JSON in the shapes of a "
            "policy's context");
    int rc = policy_read_all(path, text, err);
    if (rc < 0)
        return rc;
    struct json j;
    json_init(&j, buf_str(text));
    json_object(&j)
    {
        json_skip(&j);
    }
    if (json_finish(&j, err) == 0)
        return 0;
    err->code = ERR_UPSTREAM;
    return err_wrap(err, "%s", path);
}

/* FILE, or --policy NAME@VERSION. */
static int write_subject(struct policy_work *c, struct json_out *out, struct err *err)
{
    struct policy_file file;
    struct policy_ref ref;

    if ((c->operands_len == 1) == (c->options->policy != NULL))
        return err_set(err, ERR_MISSING, "say which policy: FILE, or --policy NAME[@VERSION]");
    if (c->operands_len == 1) {
        int rc = policy_file_read(c, c->operands[0], &file, err);
        if (rc < 0)
            return rc;
        policy_text_write(out, &file);
        policy_file_deinit(&file);
        return 0;
    }
    int rc = policy_ref_read(c->options->policy, &ref, err);
    if (rc < 0)
        return rc;
    json_str(out, "policy", ref.name);
    if (ref.version > 0)
        json_uint(out, "version", ref.version);
    return 0;
}

static int write_request(struct policy_work *c, struct buf *body, struct err *err)
{
    struct json_out out;
    struct buf context;

    json_out_init(&out, body);
    json_begin(&out, NULL, '{');
    buf_init(&context, POLICY_CONTEXT_BYTES_MAX);
    int rc = write_subject(c, &out, err);
    if (rc == 0)
        rc = read_context(c, &context, err);
    if (rc == 0) {
        json_raw(&out, "context", buf_str(&context));
        json_int(&out, "calls", c->options->calls);
        json_end(&out);
    }
    buf_deinit(&context);
    return rc;
}

/* --- The answer ---------------------------------------------------------------------- */

static void print_log(struct arena *arena, struct str call)
{
    struct answer_list log = answer_list(answer_raw(call, "log"));
    struct str line;
    struct json j;

    while (answer_next(&log, &line)) {
        json_init(&j, line);
        json_read_str(&j, arena, &line);
        terminal_print(stdout, "  log: %.*s\n", STR_ARG(line));
    }
    if (answer_is(call, "log_cut"))
        (void)puts("  log: (cut here)");
}

static void print_failure(struct arena *arena, struct str call)
{
    const char *line = answer_text(arena, call, "line");

    terminal_print(stdout, "  the built-in policy decided; this one failed: %s%s%s: %s\n",
                   answer_text(arena, call, "reason"), line[0] ? ", line " : "", line,
                   answer_text(arena, call, "message"));
}

/* True when the policy itself decided. */
static bool print_call(struct arena *arena, unsigned number, struct str call)
{
    bool has_decided = str_eq(answer_raw(call, "outcome"), "\"decision\"");
    struct buf words;

    buf_init(&words, WORDS_BYTES_MAX);
    decision_put_words(&words, answer_raw(call, "decision"));
    terminal_print(stdout, "call %u: %s (%s µs)\n", number, buf_cstr(&words),
                   answer_text(arena, call, "time_us"));
    if (!has_decided)
        print_failure(arena, call);
    print_log(arena, call);
    buf_deinit(&words);
    return has_decided;
}

/* Exit status: 1 when the policy failed in any call. */
static int print_calls(const struct policy_work *c)
{
    struct answer_list calls = answer_list(answer_raw(buf_str(&c->answer), "calls"));
    struct arena arena;
    struct str call;
    unsigned made = 0, failed = 0;

    arena_init(&arena, WORDS_BYTES_MAX);
    while (answer_next(&calls, &call)) {
        made++;
        if (c->keeper->json)
            failed += !str_eq(answer_raw(call, "outcome"), "\"decision\"");
        else
            failed += !print_call(&arena, made, call);
        arena_deinit(&arena);
    }
    if (made > 1 && !c->keeper->json)
        (void)printf("%u calls, %u failed\n", made, failed);
    return failed > 0 ? EXIT_FAILED : EXIT_DONE;
}

static int simulate(struct policy_work *c, struct err *err)
{
    struct buf body;

    buf_init(&body, BODY_BYTES_MAX);
    int rc = write_request(c, &body, err);
    if (rc == 0)
        rc = policy_ask(c, "POST", "simulate", buf_str(&body), err);
    buf_deinit(&body);
    if (rc < 0)
        return rc;
    if (c->keeper->json)
        policy_print_answer(c);
    return print_calls(c);
}

static int run(struct keeper *k, void *options, int operands_len, char **operands)
{
    return policy_command(k, options, operands_len, operands, simulate);
}

/* clang-format off */
static const struct option rows[] = {
    { .name = "context", .type = OPTION_TEXT, POLICY_ROW(context), .metavar = "FILE",
      .help = "State to decide in, as JSON: queue, pools, workers, ...; '-' is standard input" },
    { .name = "policy", .type = OPTION_TEXT, POLICY_ROW(policy), .metavar = "NAME[@VERSION]",
      .help = "Try a policy that the queen keeps instead of FILE" },
    { .name = "calls", .type = OPTION_INT, POLICY_ROW(calls), .fallback = "1", .metavar = "N", .min = 1, .max = 1000,
      .help = "Ask it so many times; what it remembers stays from call to call" },
    POLICY_LANGUAGE_ROW, COMMON_ROWS(policy_options), { 0 },
};

const struct command cmd_policy_simulate = {
    POLICY_LEAF("simulate", "[OPTION]... --context=FILE [FILE]", "See what a policy would decide in a given state", rows),
    .description = "Runs in the sandbox of live policies and touches nothing live. Prints each call's "
                   "decision, time and log. Exit status 1 when the policy failed in a call, so that "
                   "the built-in one decided.",
    .operands_max = 1, .run = run,
};
/* clang-format on */
