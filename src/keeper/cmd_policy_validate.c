/* rbee policy validate, rbee policy compile - a look at a text before anybody deploys it. */
#include "keeper/policy_text.h"

#include "keeper/answer.h"
#include "keeper/terminal.h"

/* --- validate --------------------------------------------------------------------- */

/* "home.lua: valid in 64 generated and 4 recent real states; called 240 times: 4 µs at the median,
 * 31 µs at the 99th percentile, 92 KiB" */
static void print_verdict(const struct policy_work *c, const struct policy_file *file)
{
    struct str m = answer_raw(buf_str(&c->answer), "measured");
    struct str tried = answer_raw(buf_str(&c->answer), "tried");

    terminal_print(stdout, "%s: valid", file->path);
    (void)printf(" in %llu generated and %llu recent real states",
                 (unsigned long long)answer_uint(tried, "generated"),
                 (unsigned long long)answer_uint(tried, "real"));
    if (answer_uint(m, "calls") > 0)
        (void)printf("; called %llu times: %llu µs at the median, %llu µs at the 99th percentile, "
                     "%llu KiB of memory",
                     (unsigned long long)answer_uint(m, "calls"),
                     (unsigned long long)answer_uint(m, "p50_us"),
                     (unsigned long long)answer_uint(m, "p99_us"),
                     (unsigned long long)(answer_uint(m, "memory_bytes") + 1023) / 1024);
    (void)fputc('\n', stdout);
}

static int check(struct policy_work *c, const struct policy_file *file, struct err *err)
{
    int rc = policy_text_send(c, "validate", file, NULL, err);

    if (rc != EXIT_DONE)
        return rc;
    bool is_valid = answer_is(buf_str(&c->answer), "valid");
    if (c->keeper->json)
        policy_print_answer(c);
    else
        (void)policy_text_complain(c, file);
    if (is_valid && !c->keeper->json)
        print_verdict(c, file);
    return is_valid ? EXIT_DONE : EXIT_FAILED;
}

static int validate(struct policy_work *c, struct err *err)
{
    struct policy_file file;

    int rc = policy_file_read(c, c->operands[0], &file, err);
    if (rc < 0)
        return rc;
    rc = check(c, &file, err);
    policy_file_deinit(&file);
    return rc;
}

static int run_validate(struct keeper *k, void *options, int operands_len, char **operands)
{
    return policy_command(k, options, operands_len, operands, validate);
}

/* --- compile ---------------------------------------------------------------------- */

/* Each line of `lua` behind the line of the author's text that it came from. */
static void print_mapped(struct str lua, struct str line_map)
{
    struct answer_list lines = answer_list(line_map);
    struct str number;

    while (lua.len > 0) {
        const char *end = memchr(lua.p, '\n', lua.len);
        struct str line = { lua.p, end ? (size_t)(end - lua.p) : lua.len };
        bool is_mapped = answer_next(&lines, &number) && !str_eq(number, "0");
        (void)printf("%5.*s | ", is_mapped ? (int)number.len : 0, is_mapped ? number.p : "");
        terminal_write(stdout, line);
        (void)fputc('\n', stdout);
        lua.p += line.len + (end != NULL);
        lua.len -= line.len + (end != NULL);
    }
}

static void print_lua(struct policy_work *c)
{
    struct str answer = buf_str(&c->answer);
    struct str lua = str_of(answer_text(&c->arena, answer, "lua"));

    if (c->keeper->json)
        policy_print_answer(c);
    else if (c->options->line_map)
        print_mapped(lua, answer_raw(answer, "line_map"));
    else
        terminal_write(stdout, lua);
}

static int compile(struct policy_work *c, struct err *err)
{
    struct policy_file file;

    int rc = policy_file_read(c, c->operands[0], &file, err);
    if (rc < 0)
        return rc;
    rc = policy_text_send(c, "compile", &file, NULL, err);
    if (rc == EXIT_DONE)
        print_lua(c);
    policy_file_deinit(&file);
    return rc;
}

static int run_compile(struct keeper *k, void *options, int operands_len, char **operands)
{
    return policy_command(k, options, operands_len, operands, compile);
}

/* clang-format off */
static const struct option validate_rows[] = { POLICY_LANGUAGE_ROW, COMMON_ROWS(policy_options), { 0 } };
static const struct option compile_rows[] = {
    POLICY_LANGUAGE_ROW,
    { .name = "line-map", .type = OPTION_FLAG, POLICY_ROW(line_map),
      .help = "Put the line of FILE that it came from before each line" },
    COMMON_ROWS(policy_options), { 0 },
};

const struct command cmd_policy_validate = {
    POLICY_LEAF("validate", "[OPTION]... FILE", "Check whether a policy is fit to run", validate_rows),
    .description = "Checks the text, then has it decide in many generated states and in recent "
                   "real ones, in the sandbox, and measures it. Changes nothing. What is wrong "
                   "comes as FILE:LINE:COLUMN: error: ... on standard error, and exit status 1.",
    .operands_min = 1, .operands_max = 1, .run = run_validate,
};

const struct command cmd_policy_compile = {
    POLICY_LEAF("compile", "[OPTION]... FILE", "Print the Lua that a policy in YAML or Rhai becomes", compile_rows),
    .operands_min = 1, .operands_max = 1, .run = run_compile,
};
/* clang-format on */
