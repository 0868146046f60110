/*
 * option_internal - what the option_*.c files share.
 *
 * A source of values (defaults, a file, the environment, the command line) is one
 * layer, applied over the ones below it. A layer remembers what it has set: the
 * first item of a list in a layer replaces the list of the layers below, and a
 * file may not set an option twice.
 */
#pragma once

#include "base/option.h"

#include "base/str.h"

enum { OPTION_ROWS_MAX = 128 };

struct option_layer {
    const struct option_program *program;
    void *values;
    bool is_set[OPTION_ROWS_MAX];
};

void option_layer_init(struct option_layer *layer, const struct option_program *program,
                       void *values);
bool option_layer_has(const struct option_layer *layer, const struct option *o);

/* NULL when there is none; '_' stands for '-' too. */
const struct option *option_find(const struct option_program *program, struct str name);

/* " (did you mean '--listen'?)" or "", for a name that option_find() does not know. */
enum { OPTION_HINT_SIZE = 96 };
void option_hint(const struct option_program *program, const char *dashes, struct str name,
                 char ret[OPTION_HINT_SIZE]);

/* Parse `text` and store it. `where` begins the message: "--max-queue", "RBEE_MAX_QUEUE",
 * "rbee.yaml:3: max-queue". ERR_INVALID. */
MUST_CHECK int option_set(struct option_layer *layer, const struct option *o, const char *where,
                          struct str text, struct err *err);

/* The same for text that holds several items of a list between blanks. */
MUST_CHECK int option_set_words(struct option_layer *layer, const struct option *o,
                                const char *where, const char *text, struct err *err);

void option_free_value(const struct option *o, void *values);

/* What values of this type look like, for messages and help: "a whole number from
 * 1 to 100". */
enum { OPTION_ALLOWED_SIZE = 256 };
void option_describe(const struct option *o, char ret[OPTION_ALLOWED_SIZE]);

/* --- the command line --- */

MUST_CHECK int option_read_argv(struct option_layer *layer, int argc, char **argv,
                                struct option_result *ret, struct err *err);

/* What must be known before the layers below: is help or version asked for (the
 * row, else NULL), and the last --config (else NULL)? */
struct option_preview {
    const struct option *answer;
    const char *config;
};
MUST_CHECK int option_preview_argv(const struct option_program *program, int argc, char **argv,
                                   struct option_preview *ret, struct err *err);

/* --- files --- */

struct option_file {
    struct option_layer layer;
    const char *name; /* for messages */
};

/* Each fails with "NAME:LINE: ...". */
int option_file_error(const struct option_file *f, size_t line, struct err *err, const char *fmt,
                      ...) __attribute__((format(printf, 4, 5)));
MUST_CHECK int option_file_key(const struct option_file *f, size_t line, struct str key,
                               const struct option **ret, struct err *err);
MUST_CHECK int option_file_value(struct option_file *f, size_t line, const struct option *o,
                                 struct str text, struct err *err);
MUST_CHECK int option_file_pair(struct option_file *f, size_t line, const struct option *o,
                                struct str key, struct str value, struct err *err);
/* May a list of items or a mapping stand here? */
MUST_CHECK int option_file_is_list(const struct option_file *f, size_t line, const struct option *o,
                                   struct err *err);
MUST_CHECK int option_file_is_mapping(const struct option_file *f, size_t line,
                                      const struct option *o, struct err *err);

MUST_CHECK int option_read_yaml(struct option_file *f, struct str text, struct err *err);
MUST_CHECK int option_read_toml(struct option_file *f, struct str text, struct err *err);
