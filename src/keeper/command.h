/*
 * command - the keeper's commands as one tree of tables: names, options, help and
 * functions stand in one row, so that --help, the man page and the completion
 * scripts cannot drift from what is done.
 *
 * A command is one file (cmd_infer.c ...). Nothing goes to stdout but the answer;
 * progress and errors go to stderr. Exit codes are enum keeper_exit.
 */
#pragma once

#include "base/option.h"

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

struct keeper;

enum keeper_exit {
    EXIT_DONE = 0,
    EXIT_FAILED = 1,       /* the service said no, or the job failed */
    EXIT_USAGE = 2,        /* wrong command line or configuration */
    EXIT_UNREACHABLE = 3,  /* nobody answered at the URL */
    EXIT_INTERRUPTED = 130 /* Ctrl-C */
};

/* Options of every command; first member of each command's own options. */
struct common_options {
    char *queen_url;
    char *token_file;
    char *config;
    bool json;
    bool no_color;
    bool help;
};

/* clang-format off */
#define COMMON_ROWS(type)                                                                                                         \
    { "queen-url", 'q', OPTION_TEXT, 0, offsetof(struct type, common.queen_url), "http://127.0.0.1:7833", "URL", 0, 0, NULL, "Where the queen listens" }, \
    { "token-file", 0, OPTION_TEXT, 0, offsetof(struct type, common.token_file), NULL, "FILE", 0, 0, NULL, "File with the token to show" }, \
    { "config", 'c', OPTION_TEXT, OPTION_NO_FILE, offsetof(struct type, common.config), NULL, "FILE", 0, 0, NULL, "Read options from FILE instead of ~/.config/rbee/config.toml" }, \
    { "json", 'j', OPTION_FLAG, 0, offsetof(struct type, common.json), NULL, NULL, 0, 0, NULL, "Print the answer as JSON" }, \
    { "no-color", 0, OPTION_FLAG, 0, offsetof(struct type, common.no_color), NULL, NULL, 0, 0, NULL, "No colours, also on a terminal" }, \
    { "help", 'h', OPTION_FLAG, OPTION_NO_ENV | OPTION_NO_FILE, offsetof(struct type, common.help), NULL, NULL, 0, 0, NULL, "Show this help" }
/* clang-format on */

struct command {
    const char *name;
    const char *summary;
    const char *usage;              /* "[OPTION]... [PROMPT]" */
    const char *description;        /* for --help and the man page; may be NULL */
    const struct option *options;   /* of a leaf */
    size_t options_size;            /* of its options struct, which begins with common_options */
    int operands_min, operands_max; /* of a leaf; checked before it runs */
    int (*run)(struct keeper *k, void *options, int operands_len, char **operands);
    const struct command *const *children; /* of a branch: `worker spawn`; ends with NULL */
};

enum { OPERANDS_ANY = INT_MAX };

extern const struct command *const keeper_commands[]; /* ends with NULL */

extern const struct command cmd_infer, cmd_status, cmd_worker, cmd_model, cmd_policy, cmd_queen,
    cmd_hive, cmd_logs, cmd_completion, cmd_man;
