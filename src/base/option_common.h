/*
 * option_common - the options that every daemon has, so that they are spelled,
 * explained and answered alike (PROTOCOL "Command lines").
 *
 *     struct queen_options {
 *         struct option_common common;
 *         int64_t max_queue;
 *     };
 *     static const struct option rows[] = {
 *         OPTION_COMMON_ROWS(struct queen_options, common, "127.0.0.1:7833"),
 *         { .name = "max-queue", ... },
 *         { 0 },
 *     };
 *
 * What differs is the default of --listen (NULL for none). Released with the
 * other options by options_free().
 */
#pragma once

#include "base/option.h"

struct option_common {
    struct option_list listen; /* HOST:PORT or unix:PATH */
    char *state_dir;           /* NULL: file_default_state_dir() */
    char *config;
    char *token_file; /* NULL: no token */
    int log_level;    /* enum log_level */
    int log_format;   /* enum option_log_format */
    bool check_config;
    bool version;
    bool help;
    bool man; /* hidden: for the build, which installs what it prints */
};

enum option_log_format { OPTION_LOG_AUTO, OPTION_LOG_TEXT, OPTION_LOG_JSON };

extern const char *const option_log_levels[];  /* in the order of enum log_level */
extern const char *const option_log_formats[]; /* in the order of enum option_log_format */

/* NOLINTBEGIN(bugprone-macro-parentheses): a member's name cannot have them. */
/* clang-format off */
#define OPTION_COMMON_ROWS(struct_type, member, default_listen)                                    \
    { .name = "listen", .letter = 'l', .type = OPTION_LIST,                                        \
      .offset = offsetof(struct_type, member.listen), .fallback = (default_listen),                \
      .metavar = "ADDRESS",                                                                        \
      .help = "Serve at HOST:PORT or unix:PATH" },                                                 \
    { .name = "state-dir", .type = OPTION_TEXT, .offset = offsetof(struct_type, member.state_dir), \
      .metavar = "DIR",                                                                            \
      .help = "Keep state in this directory; one daemon at a time may have it" },                  \
    { .name = "config", .letter = 'c', .type = OPTION_TEXT, .flags = OPTION_NO_FILE,               \
      .offset = offsetof(struct_type, member.config), .metavar = "FILE",                           \
      .help = "Read options from this file (YAML, or TOML by its name)" },                         \
    { .name = "token-file", .type = OPTION_TEXT,                                                   \
      .offset = offsetof(struct_type, member.token_file),                                          \
      .metavar = "FILE",                                                                           \
      .help = "Ask clients for the token in this file (mode 0600); needed off loopback" },         \
    { .name = "log-level", .type = OPTION_CHOICE,                                                  \
      .offset = offsetof(struct_type, member.log_level),                                           \
      .choices = option_log_levels, .fallback = "info", .metavar = "LEVEL",                        \
      .help = "Log what matters this much and more" },                                             \
    { .name = "log-format", .type = OPTION_CHOICE,                                                 \
      .offset = offsetof(struct_type, member.log_format),                                          \
      .choices = option_log_formats, .fallback = "auto", .metavar = "FORMAT",                      \
      .help = "Log lines of text or JSON; auto is text on a terminal" },                           \
    { .name = "check-config", .type = OPTION_FLAG, .flags = OPTION_NO_ENV | OPTION_NO_FILE,        \
      .offset = offsetof(struct_type, member.check_config),                                        \
      .help = "Check the options, say what is wrong, and exit" },                                  \
    { .name = "version", .letter = 'V', .type = OPTION_FLAG,                                       \
      .flags = OPTION_NO_ENV | OPTION_NO_FILE, .offset = offsetof(struct_type, member.version),    \
      .help = "Print the version and exit" },                                                      \
    { .name = "help", .letter = 'h', .type = OPTION_FLAG,                                          \
      .flags = OPTION_NO_ENV | OPTION_NO_FILE, .offset = offsetof(struct_type, member.help),       \
      .help = "Print this help and exit" },                                                        \
    { .name = "man", .type = OPTION_FLAG, .flags = OPTION_HIDDEN | OPTION_NO_ENV | OPTION_NO_FILE, \
      .offset = offsetof(struct_type, member.man), .help = "Print the man page and exit" }
/* clang-format on */
/* NOLINTEND(bugprone-macro-parentheses) */

/* Prints on stdout what --help, --man or --version asks for: true, and main() is done. */
bool option_common_answer(const struct option_program *program, const struct option_common *c);

/* log_setup() with the level and format chosen. */
void option_common_setup_log(const struct option_program *program, const struct option_common *c);
