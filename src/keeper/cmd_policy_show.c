/* rbee policy list, show, templates, diff - the texts that there are. */
#include "keeper/policy_work.h"

#include "keeper/answer.h"
#include "keeper/diff.h"
#include "keeper/policy_view.h"
#include "keeper/terminal.h"

#include "base/json_write.h"

enum { DIFF_BYTES_MAX = 32 * 1024 * 1024 };

/* --- list ---------------------------------------------------------------------- */

/* Files that are watched fail later than the command that wrote them. */
static void print_last_error(struct policy_work *c)
{
    const char *error = answer_text(&c->arena, buf_str(&c->answer), "last_error");

    if (error[0])
        terminal_print(stderr, "rbee: a policy file is not in use: %s\n", error);
}

static int ask_for_versions(struct policy_work *c, struct err *err)
{
    struct policy_ref ref;
    char path[sizeof(ref.name) + 32];

    int rc = policy_ref_read(c->operands[0], &ref, err);
    if (rc < 0)
        return rc;
    (void)snprintf(path, sizeof(path), "policies/%s/versions", ref.name);
    return policy_ask(c, "GET", path, (struct str){ 0 }, err);
}

static int list(struct policy_work *c, struct err *err)
{
    bool is_one = c->operands_len == 1;
    int rc = is_one ? ask_for_versions(c, err)
                    : policy_ask(c, "GET", "policies", (struct str){ 0 }, err);

    if (rc < 0)
        return rc;
    if (c->keeper->json)
        policy_print_answer(c);
    else if (is_one)
        policy_view_print_versions(buf_str(&c->answer), stdout);
    else
        policy_view_print_all(buf_str(&c->answer), stdout);
    print_last_error(c);
    return EXIT_DONE;
}

static int run_list(struct keeper *k, void *options, int operands_len, char **operands)
{
    return policy_command(k, options, operands_len, operands, list);
}

/* --- show ------------------------------------------------------------------------- */

static int show(struct policy_work *c, struct err *err)
{
    struct policy_ref ref;
    struct str source;

    int rc = policy_ref_read(c->operands[0], &ref, err);
    if (rc == 0)
        rc = policy_fetch_source(c, &ref, &source, err);
    if (rc < 0)
        return rc;
    if (c->keeper->json)
        policy_print_answer(c);
    else
        terminal_write(stdout, source);
    return EXIT_DONE;
}

static int run_show(struct keeper *k, void *options, int operands_len, char **operands)
{
    return policy_command(k, options, operands_len, operands, show);
}

/* --- templates ----------------------------------------------------------------------- */

static int ask_for_template(struct policy_work *c, struct err *err)
{
    struct buf path;

    buf_init(&path, POLICY_PATH_BYTES_MAX);
    (void)buf_puts(&path, "templates/");
    policy_put_escaped(&path, c->operands[0]);
    return policy_get(c, &path, err);
}

static int templates(struct policy_work *c, struct err *err)
{
    bool is_one = c->operands_len == 1;
    int rc = is_one ? ask_for_template(c, err)
                    : policy_ask(c, "GET", "templates", (struct str){ 0 }, err);

    if (rc < 0)
        return rc;
    struct str answer = buf_str(&c->answer);
    if (c->keeper->json)
        policy_print_answer(c);
    else if (is_one)
        terminal_write(stdout, str_of(answer_text(&c->arena, answer, "source")));
    else
        policy_view_print_templates(answer, stdout);
    return EXIT_DONE;
}

static int run_templates(struct keeper *k, void *options, int operands_len, char **operands)
{
    return policy_command(k, options, operands_len, operands, templates);
}

/* --- diff ------------------------------------------------------------------------------ */

/* Of a file, whatever its language, or of a policy that the queen keeps. */
static int read_side(struct policy_work *c, const char *operand, struct buf *file,
                     struct diff_side *ret, struct err *err)
{
    struct policy_ref ref;
    struct str text;
    int rc;

    if (policy_is_file(operand) || strcmp(operand, "-") == 0) {
        rc = policy_read_all(operand, file, err);
        text = buf_str(file);
    } else {
        rc = policy_ref_read(operand, &ref, err);
        if (rc == 0)
            rc = policy_fetch_source(c, &ref, &text, err);
    }
    if (rc == 0)
        *ret = (struct diff_side){ operand, text };
    return rc;
}

static void print_diff(const struct policy_work *c, const struct buf *text)
{
    if (!c->keeper->json) {
        terminal_write(stdout, buf_str(text));
        return;
    }
    struct buf json;
    buf_init(&json, KEEPER_ANSWER_MAX);
    (void)buf_puts(&json, "{\"diff\":");
    json_quote(&json, buf_str(text));
    (void)buf_puts(&json, "}\n");
    (void)fwrite(buf_cstr(&json), 1, buf_len(&json), stdout);
    buf_deinit(&json);
}

static int diff(struct policy_work *c, struct err *err)
{
    struct diff_side sides[2];
    struct buf files[2], text;
    int rc = 0;

    buf_init(&text, DIFF_BYTES_MAX);
    for (int i = 0; i < 2; i++)
        buf_init(&files[i], POLICY_FILE_BYTES_MAX);
    for (int i = 0; i < 2 && rc == 0; i++)
        rc = read_side(c, c->operands[i], &files[i], &sides[i], err);
    if (rc == 0) {
        (void)diff_unified(sides[0], sides[1], &text);
        print_diff(c, &text);
    }
    for (int i = 0; i < 2; i++)
        buf_deinit(&files[i]);
    buf_deinit(&text);
    return rc < 0 ? rc : EXIT_DONE;
}

static int run_diff(struct keeper *k, void *options, int operands_len, char **operands)
{
    return policy_command(k, options, operands_len, operands, diff);
}

static const struct option rows[] = { COMMON_ROWS(policy_options), { 0 } };

/* clang-format off */
const struct command cmd_policy_list = {
    POLICY_LEAF("list", "[OPTION]... [NAME]", "List the policies, or the versions of one", rows),
    .operands_max = 1, .run = run_list,
};

const struct command cmd_policy_show = {
    POLICY_LEAF("show", "[OPTION]... NAME[@VERSION]", "Print a policy's text; 'platform' is the built-in one", rows),
    .operands_min = 1, .operands_max = 1, .run = run_show,
};

const struct command cmd_policy_templates = {
    POLICY_LEAF("templates", "[OPTION]... [NAME]", "List the policies to begin with, or print one", rows),
    .operands_max = 1, .run = run_templates,
};

const struct command cmd_policy_diff = {
    POLICY_LEAF("diff", "[OPTION]... NAME[@VERSION] NAME[@VERSION]|FILE", "Show what differs between two policies", rows),
    .description = "A unified diff, or nothing when they are the same. What holds a '/' or ends in .lua, .yaml, "
                   ".yml or .rhai is a FILE; '-' is standard input.",
    .operands_min = 2, .operands_max = 2, .run = run_diff,
};
/* clang-format on */
