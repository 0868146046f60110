/*
 * policy_work - what the commands of `rbee policy` share: options, one call of the queen's
 * administrative API, policies' names and files.
 */
#pragma once

#include "keeper/keeper.h"

#include "base/arena.h"
#include "script/script.h"

struct policy_options {
    struct common_options common;
    char *name, *message, *policy, *context, *job, *worker;
    int64_t calls, limit;
    int language; /* 0: by the file's name; else enum script_language + 1 */
    bool activate, line_map;
};

#define POLICY_ROW(member) \
    .flags = OPTION_NO_FILE | OPTION_NO_ENV, .offset = offsetof(struct policy_options, member)

extern const char *const policy_languages[]; /* choices of --language */
#define POLICY_LANGUAGE_ROW                                                             \
    {                                                                                   \
        .name = "language", .letter = 'l', .type = OPTION_CHOICE, POLICY_ROW(language), \
        .metavar = "LANGUAGE", .fallback = "auto", .choices = policy_languages,         \
        .help = "Language of FILE; auto goes by its end: .lua, .yaml, .yml, .rhai"      \
    }

#define POLICY_LEAF(verb, usage_, summary_, rows_)                        \
    .name = verb, .usage = usage_, .summary = summary_, .options = rows_, \
    .options_size = sizeof(struct policy_options)

extern const struct command cmd_policy_validate, cmd_policy_compile, cmd_policy_simulate,
    cmd_policy_deploy, cmd_policy_rollback, cmd_policy_delete, cmd_policy_list, cmd_policy_show,
    cmd_policy_diff, cmd_policy_decisions, cmd_policy_explain, cmd_policy_templates;

/* One command's work. */
struct policy_work {
    struct keeper *keeper;
    const struct policy_options *options;
    const char *const *operands;
    int operands_len;
    struct service queen;
    struct buf answer;  /* of the last call */
    struct arena arena; /* until the command ends */
};

/* Its body gives enum keeper_exit, or what went wrong as a (negative) enum err_code. */
typedef int policy_body_fn(struct policy_work *c, struct err *err);
int policy_command(struct keeper *k, void *options, int operands_len, char **operands,
                   policy_body_fn *body);

/*
 * Ask at /v2/admin/scheduler/`path`; the answer is one object in `c->answer` then. Errors:
 * those of keeper_fetch(); `c->answer` holds what the queen said then, too.
 */
MUST_CHECK int policy_ask(struct policy_work *c, const char *method, const char *path,
                          struct str body, struct err *err);

/* GET a path that was put together of what the user typed; consumes `path`. ERR_INVALID: too
 * long to be anything that the queen knows. */
enum { POLICY_PATH_BYTES_MAX = 2048 };
MUST_CHECK int policy_get(struct policy_work *c, struct buf *path, struct err *err);

/* The last answer as it came, for --json. */
void policy_print_answer(const struct policy_work *c);

/* --- Names ------------------------------------------------------------------------- */

/* "home" or "home@3". */
struct policy_ref {
    char name[SCRIPT_NAME_SIZE];
    uint32_t version; /* 0: the newest */
};
MUST_CHECK int policy_ref_read(const char *text, struct policy_ref *ret, struct err *err);

/* The text of a policy that the queen keeps, unescaped into the arena. A policy that is
 * written in C has none: ERR_UNSUPPORTED. */
MUST_CHECK int policy_fetch_source(struct policy_work *c, const struct policy_ref *ref,
                                   struct str *ret, struct err *err);

/* A path's variable part, escaped. */
void policy_put_escaped(struct buf *path, const char *text);

/* --- Files --------------------------------------------------------------------------- */

struct policy_file {
    const char *path; /* borrowed; "-" is standard input */
    enum script_language language;
    struct buf text;
};

enum { POLICY_FILE_BYTES_MAX = 4 * 1024 * 1024, POLICY_CONTEXT_BYTES_MAX = 60 * 1024 * 1024 };

/* ERR_MISSING: its language is nowhere to be seen. ERR_SYSTEM, ERR_LIMIT, ERR_UPSTREAM: it
 * cannot be read, is longer than any policy may be, or is no text. */
MUST_CHECK int policy_file_read(const struct policy_work *c, const char *path,
                                struct policy_file *ret, struct err *err);
void policy_file_deinit(struct policy_file *f);

/* A whole file, or standard input for "-". */
MUST_CHECK int policy_read_all(const char *path, struct buf *out, struct err *err);

/* Is this operand a file rather than a policy's name? By a '/' or the end of its name. */
bool policy_is_file(const char *operand);
