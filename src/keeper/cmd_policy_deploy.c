/* rbee policy deploy, rollback, delete - which policy decides, and which ones are kept. */
#include "keeper/policy_text.h"

#include "keeper/answer.h"
#include "keeper/terminal.h"

/* "home@3 active" on stdout, for scripts; what is left to do on stderr. */
static void print_release(struct policy_work *c)
{
    struct str answer = buf_str(&c->answer);
    const char *name = answer_text(&c->arena, answer, "name");
    unsigned long long version = answer_uint(answer, "version");
    bool is_active = answer_is(answer, "active");

    if (c->keeper->json) {
        policy_print_answer(c);
        return;
    }
    terminal_print(stdout, "%s@%llu %s\n", name, version, is_active ? "active" : "kept");
    if (!is_active)
        terminal_print(stderr, "it does not decide yet; to make it: rbee policy rollback %s %llu\n",
                       name, version);
}

/* --- deploy ----------------------------------------------------------------------- */

/* --name, else the file's own: "policies/home.lua" is "home". */
static int choose_name(const struct policy_work *c, struct policy_ref *ret, struct err *err)
{
    const char *path = c->operands[0], *slash = strrchr(path, '/');
    const char *base = slash ? slash + 1 : path, *dot = strrchr(base, '.');
    enum script_language ignored;
    char name[SCRIPT_NAME_SIZE];
    bool has_end = dot && dot > base && script_language_of_file(str_of(base), &ignored);

    if (c->options->name)
        return policy_ref_read(c->options->name, ret, err);
    if (strcmp(path, "-") == 0 ||
        !str_copy(name, sizeof(name),
                  (struct str){ base, has_end ? (size_t)(dot - base) : strlen(base) }))
        return err_set(err, ERR_MISSING, "name the policy: --name NAME");
    return policy_ref_read(name, ret, err);
}

static void write_deployment(const struct policy_work *c, struct json_out *out)
{
    struct policy_ref ref;
    struct err ignored;

    if (choose_name(c, &ref, &ignored) == 0)
        json_str(out, "name", ref.name);
    if (c->options->message)
        json_str(out, "message", c->options->message);
    json_str(out, "mode", c->options->activate ? "active" : "shadow");
}

static int deploy(struct policy_work *c, struct err *err)
{
    struct policy_file file;
    struct policy_ref ref;

    int rc = choose_name(c, &ref, err);
    if (rc == 0 && ref.version > 0)
        rc = err_set(err, ERR_INVALID, "a version is the queen's to give: --name %s", ref.name);
    if (rc == 0)
        rc = policy_file_read(c, c->operands[0], &file, err);
    if (rc < 0)
        return rc;
    rc = policy_text_send(c, "deploy", &file, write_deployment, err);
    if (rc == EXIT_DONE) {
        if (!c->keeper->json)
            (void)policy_text_complain(c, &file); /* warnings */
        print_release(c);
    }
    policy_file_deinit(&file);
    return rc;
}

static int run_deploy(struct keeper *k, void *options, int operands_len, char **operands)
{
    return policy_command(k, options, operands_len, operands, deploy);
}

/* --- rollback ----------------------------------------------------------------------- */

/* The version before the active one; the newest when none is active; 0: there is none. */
static uint64_t version_before(struct str versions)
{
    struct answer_list list = answer_list(versions);
    struct str one;
    uint64_t newest = 0;
    bool take_next = false, has_active = false;

    while (answer_next(&list, &one)) {
        if (take_next)
            return answer_uint(one, "version");
        if (newest == 0)
            newest = answer_uint(one, "version");
        take_next = answer_is(one, "active");
        has_active = has_active || take_next;
    }
    return has_active ? 0 : newest;
}

static int find_version(struct policy_work *c, struct policy_ref *ref, struct err *err)
{
    char path[sizeof(ref->name) + 32];

    (void)snprintf(path, sizeof(path), "policies/%s/versions", ref->name);
    int rc = policy_ask(c, "GET", path, (struct str){ 0 }, err);
    if (rc < 0)
        return rc;
    ref->version = (uint32_t)version_before(answer_raw(buf_str(&c->answer), "versions"));
    if (ref->version > 0)
        return 0;
    return err_set(err, ERR_NOT_FOUND,
                   "'%s' has no version before the active one; to go back to the built-in policy: "
                   "rbee policy rollback platform",
                   ref->name);
}

static bool is_builtin(const char *name)
{
    return strcmp(name, "platform") == 0 || strcmp(name, "simple") == 0;
}

/* NAME, NAME@VERSION, or NAME VERSION. */
static int read_ref(struct policy_work *c, struct policy_ref *ret, struct err *err)
{
    char both[SCRIPT_NAME_SIZE + 32];

    int rc = policy_ref_read(c->operands[0], ret, err);
    if (rc == 0 && c->operands_len == 2) {
        if (ret->version > 0)
            return err_set(err, ERR_INVALID, "give the version once");
        (void)snprintf(both, sizeof(both), "%s@%.20s", ret->name, c->operands[1]);
        rc = policy_ref_read(both, ret, err);
    }
    return rc;
}

/* Without a version: the one before the active one. */
static int read_target(struct policy_work *c, struct policy_ref *ret, struct err *err)
{
    int rc = read_ref(c, ret, err);

    if (rc == 0 && ret->version == 0 && !is_builtin(ret->name))
        rc = find_version(c, ret, err);
    return rc;
}

static int rollback(struct policy_work *c, struct err *err)
{
    struct policy_ref ref;
    char text[SCRIPT_NAME_SIZE + 64];
    struct json_out out;
    struct buf body;

    int rc = read_target(c, &ref, err);
    if (rc < 0)
        return rc;
    buf_init_fixed(&body, text, sizeof(text));
    json_out_init(&out, &body);
    json_begin(&out, NULL, '{');
    json_str(&out, "name", ref.name);
    if (ref.version > 0)
        json_uint(&out, "version", ref.version);
    json_end(&out);
    rc = policy_ask(c, "POST", "rollback", buf_str(&body), err);
    if (rc < 0)
        return rc;
    print_release(c);
    return EXIT_DONE;
}

static int run_rollback(struct keeper *k, void *options, int operands_len, char **operands)
{
    return policy_command(k, options, operands_len, operands, rollback);
}

static int delete (struct policy_work *c, struct err *err)
{
    struct policy_ref ref;
    char path[sizeof(ref.name) + 64];

    int rc = read_ref(c, &ref, err);
    if (rc < 0)
        return rc;
    if (ref.version > 0)
        (void)snprintf(path, sizeof(path), "policies/%s/versions/%u", ref.name, ref.version);
    else
        (void)snprintf(path, sizeof(path), "policies/%s", ref.name);
    rc = policy_ask(c, "DELETE", path, (struct str){ 0 }, err);
    return rc < 0 ? rc : EXIT_DONE;
}

static int run_delete(struct keeper *k, void *options, int operands_len, char **operands)
{
    return policy_command(k, options, operands_len, operands, delete);
}

/* clang-format off */
static const struct option deploy_rows[] = {
    { .name = "name", .letter = 'n', .type = OPTION_TEXT, POLICY_ROW(name), .metavar = "NAME",
      .help = "Name of the policy; that of FILE when not given" },
    { .name = "message", .letter = 'm', .type = OPTION_TEXT, POLICY_ROW(message), .metavar = "TEXT",
      .help = "Why; shown by 'rbee policy list'" },
    { .name = "activate", .type = OPTION_FLAG, POLICY_ROW(activate), .fallback = "true",
      .help = "Keep this version, but go on with the policy that decides now" },
    POLICY_LANGUAGE_ROW, COMMON_ROWS(policy_options), { 0 },
};
static const struct option rollback_rows[] = { COMMON_ROWS(policy_options), { 0 } };
static const struct option delete_rows[] = { COMMON_ROWS(policy_options), { 0 } };

const struct command cmd_policy_deploy = {
    POLICY_LEAF("deploy", "[OPTION]... FILE", "Validate a policy and have it decide from now on", deploy_rows),
    .description = "Prints NAME@VERSION. An invalid policy changes nothing: what is wrong with it "
                   "comes on standard error. No running request notices the change.",
    .operands_min = 1, .operands_max = 1, .run = run_deploy,
};

const struct command cmd_policy_rollback = {
    POLICY_LEAF("rollback", "[OPTION]... NAME [VERSION]", "Have another version, or the built-in policy, decide", rollback_rows),
    .description = "Without VERSION: the one before the active version, or the newest when none of "
                   "NAME is active. 'rbee policy rollback platform' returns to the built-in policy.",
    .operands_min = 1, .operands_max = 2, .run = run_rollback,
};

const struct command cmd_policy_delete = {
    POLICY_LEAF("delete", "[OPTION]... NAME [VERSION]", "Forget a policy, or one version of it", delete_rows),
    .description = "Without VERSION: all of them, and the name is free again. The version that "
                   "decides now is not deleted: roll back to another before. A file that it came "
                   "from is left alone.",
    .operands_min = 1, .operands_max = 2, .run = run_delete,
};
/* clang-format on */
