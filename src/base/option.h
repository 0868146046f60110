/*
 * option - one table of options per program feeds the command line (--name),
 * the environment (RBEE_NAME), the configuration file, --help, the man page and
 * the validation. Precedence: flag > environment > file > default.
 *
 * Command line: GNU's ways (--name=value, --name value, -n value, -nvalue, -abc,
 * "--"), operands anywhere. Environment: the prefix and the name in capitals with
 * '_' for '-'; an empty variable is as good as none; a list's items stand between
 * blanks. Files: YAML by default (a flat mapping: `listen: 127.0.0.1:7833`, lists
 * for repeatable options, a mapping for labels); a name that ends in ".toml" is
 * read as flat TOML (lists as arrays, labels as a table). An unknown key or a bad
 * value is an error that names file, line, the allowed values and the nearest
 * known key. Repeatable options: the highest source that sets one replaces the
 * lower sources' lists whole. The only user of libyaml for configuration.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { OPTION_FILE_MAX = 1024 * 1024 }; /* bytes of a configuration file */

enum option_type {
    OPTION_FLAG,     /* bool: --name, --no-name; file and environment: true/false */
    OPTION_TEXT,     /* char *, owned by the options; NULL when unset */
    OPTION_INT,      /* int64_t in [min, max] */
    OPTION_DOUBLE,   /* double in [min, max] */
    OPTION_DURATION, /* uint64_t milliseconds: "500ms", "10s", "5m", "1h"; a bare number is seconds
                      */
    OPTION_SIZE,     /* uint64_t bytes: "64k", "32m", "1g"; a bare number is bytes */
    OPTION_CHOICE,   /* int: index into `choices` */
    OPTION_LIST,     /* struct option_list: repeatable text */
};

enum option_flag {
    OPTION_NO_ENV = 1 << 0,  /* secrets and one-shot flags are not read from the environment */
    OPTION_NO_FILE = 1 << 1, /* makes no sense in a file (--config, --check-config) */
    OPTION_HIDDEN = 1 << 2,  /* not in --help */
    OPTION_PAIR = 1 << 3,    /* OPTION_LIST whose items are KEY=VALUE; a mapping in the file */
};

struct option_list {
    char **items; /* NUL-terminated strings */
    size_t len;
};

struct option {
    const char *name; /* "listen"; in files '-' and '_' are the same */
    char letter;      /* short flag, or 0 */
    enum option_type type;
    unsigned flags;             /* enum option_flag */
    size_t offset;              /* offsetof(struct x_options, member) of the type above */
    const char *fallback;       /* default as text, parsed like a value; NULL: zero/unset */
    const char *metavar;        /* "HOST:PORT", for help */
    double min, max;            /* OPTION_INT, _DOUBLE, _DURATION (ms), _SIZE; both 0: no bounds */
    const char *const *choices; /* NULL-terminated */
    const char *help;           /* one sentence, no final newline; in the man page too */
};

struct option_exit {
    int code;
    const char *meaning;
};

/* A program's table ends with a row without a name. */
struct option_program {
    const char *name;                /* "queen-rbee" */
    const char *summary;             /* one line */
    const char *usage;               /* "[OPTION]...", or with operands "[OPTION]... PROMPT" */
    const char *description;         /* paragraphs for the man page */
    const char *env_prefix;          /* "RBEE_" */
    const struct option *options;    /* includes option_common's rows by hand */
    const struct option_exit *exits; /* for help and man; ends with a NULL meaning */
};

struct option_result {
    char **operands; /* what is left of argv (reordered for it), borrowed */
    int operands_len;
};

/*
 * Fill `values` (a struct of the program's, zeroed by the caller) from defaults,
 * the file named by --config (or `default_config`, which may be absent; NULL:
 * none), the environment and argv. Release with options_free(), unless it failed.
 * A flag "help" or "version" on the command line ends the work at once with only
 * the defaults and that flag set, so that a broken file does not hide the help.
 * A program whose usage is "[OPTION]..." takes no operands.
 * Errors: ERR_INVALID; the message names the flag, variable or file:line, what
 * was found and what is allowed. ERR_SYSTEM, ERR_LIMIT: the file cannot be read,
 * or is longer than OPTION_FILE_MAX.
 */
MUST_CHECK int options_load(const struct option_program *program, int argc, char **argv,
                            const char *default_config, void *values, struct option_result *ret,
                            struct err *err);
void options_free(const struct option_program *program, void *values);

/* A file's text alone, over what `values` holds; also what the fuzzer drives. On
 * failure part of it may be set. Errors: ERR_INVALID. */
MUST_CHECK int options_from_file_text(const struct option_program *program, const char *file_name,
                                      struct str text, void *values, struct err *err);

/* --help, and the man page (roff, section 1) from the same table. */
void options_help(const struct option_program *program, struct buf *out);
void options_man(const struct option_program *program, struct buf *out);
