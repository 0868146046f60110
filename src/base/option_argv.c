/* The command line, by the conventions of getopt_long(3) in GNU programs. */
#include "base/option_internal.h"

#include <stdio.h>

/* Told of each option in turn; `value` ends in a NUL, and is "true" or "false" for
 * a flag without one. 0 to go on, 1 to stop, or an error. */
typedef int option_visit_fn(void *ctx, const struct option *o, struct str value, struct err *err);

struct walk {
    const struct option_program *program;
    int argc;
    char **argv;
    int at; /* the argument in hand */
    option_visit_fn *visit;
    void *ctx;
};

enum { WHERE_SIZE = 80 };

static bool is_flag(const struct option *o)
{
    return o->type == OPTION_FLAG;
}

static const struct option *find_letter(const struct option_program *program, char letter)
{
    for (const struct option *o = program->options; o->name; o++) {
        if (o->letter == letter)
            return o;
    }
    return NULL;
}

/* The value that is the next argument, however it looks. */
static int visit_next(struct walk *w, const struct option *o, struct err *err)
{
    char allowed[OPTION_ALLOWED_SIZE];

    if (w->at + 1 < w->argc)
        return w->visit(w->ctx, o, str_of(w->argv[++w->at]), err);
    option_describe(o, allowed);
    return err_param(err, ERR_INVALID, o->name, "--%s: needs a value: %s", o->name, allowed);
}

static int unknown_long(const struct walk *w, struct str name, struct err *err)
{
    char hint[OPTION_HINT_SIZE];

    option_hint(w->program, "--", name, hint);
    return err_set(err, ERR_INVALID, "unknown option '--%.*s'%s", STR_ARG(name), hint);
}

/* --name, --name=value, --name value, --no-name */
static int read_long(struct walk *w, const char *text, struct err *err)
{
    const char *equals = strchr(text, '=');
    struct str name = { text, equals ? (size_t)(equals - text) : strlen(text) };
    const struct option *o = option_find(w->program, name);

    if (o && equals)
        return w->visit(w->ctx, o, str_of(equals + 1), err);
    if (o)
        return is_flag(o) ? w->visit(w->ctx, o, str_of("true"), err) : visit_next(w, o, err);
    if (!str_starts(name, "no-"))
        return unknown_long(w, name, err);

    o = option_find(w->program, (struct str){ name.p + 3, name.len - 3 });
    if (!o || !is_flag(o))
        return unknown_long(w, name, err);
    if (equals)
        return err_param(err, ERR_INVALID, o->name, "--no-%s: takes no value", o->name);
    return w->visit(w->ctx, o, str_of("false"), err);
}

/* -a, -abc, -n value, -nvalue */
static int read_short(struct walk *w, const char *letters, struct err *err)
{
    for (; *letters; letters++) {
        const struct option *o = find_letter(w->program, *letters);
        if (!o)
            return err_set(err, ERR_INVALID, "unknown option '-%c'", *letters);
        if (!is_flag(o))
            return letters[1] ? w->visit(w->ctx, o, str_of(letters + 1), err)
                              : visit_next(w, o, err);
        int rc = w->visit(w->ctx, o, str_of("true"), err);
        if (rc != 0)
            return rc;
    }
    return 0;
}

/* Calls `visit` for each option; moves the operands to argv[1] and on when `ret`
 * is given. */
static int walk(struct walk *w, struct option_result *ret, struct err *err)
{
    bool only_operands = false;
    int operands = 0;

    for (w->at = 1; w->at < w->argc; w->at++) {
        char *arg = w->argv[w->at];
        int rc = 0;

        if (only_operands || arg[0] != '-' || arg[1] == '\0') {
            if (ret)
                w->argv[1 + operands++] = arg;
        } else if (strcmp(arg, "--") == 0) {
            only_operands = true;
        } else {
            rc = arg[1] == '-' ? read_long(w, arg + 2, err) : read_short(w, arg + 1, err);
        }
        if (rc != 0)
            return rc < 0 ? rc : 0;
    }
    if (ret)
        *ret = (struct option_result){ w->argc > 0 ? w->argv + 1 : w->argv, operands };
    return 0;
}

static int set_value(void *ctx, const struct option *o, struct str value, struct err *err)
{
    char where[WHERE_SIZE];

    (void)snprintf(where, sizeof(where), "--%s", o->name);
    return option_set(ctx, o, where, value, err);
}

int option_read_argv(struct option_layer *layer, int argc, char **argv, struct option_result *ret,
                     struct err *err)
{
    struct walk w = { layer->program, argc, argv, 0, set_value, layer };

    return walk(&w, ret, err);
}

static int note_preview(void *ctx, const struct option *o, struct str value, struct err *err)
{
    struct option_preview *preview = ctx;
    bool is_answer = strcmp(o->name, "help") == 0 || strcmp(o->name, "version") == 0;

    (void)err;
    if (strcmp(o->name, "config") == 0)
        preview->config = value.p;
    if (!is_flag(o) || !is_answer || !str_eq(value, "true"))
        return 0;
    preview->answer = o;
    return 1;
}

int option_preview_argv(const struct option_program *program, int argc, char **argv,
                        struct option_preview *ret, struct err *err)
{
    struct option_preview preview = { 0 };
    struct walk w = { program, argc, argv, 0, note_preview, &preview };

    int rc = walk(&w, NULL, err);
    if (rc == 0)
        *ret = preview;
    return rc;
}
