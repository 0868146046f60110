/* What a configuration file may say, in whichever syntax it says it. */
#include "base/option_internal.h"

#include <stdarg.h>
#include <stdio.h>

enum { WHERE_SIZE = 256, PAIR_MAX = 64 * 1024 };

int option_file_error(const struct option_file *f, size_t line, struct err *err, const char *fmt,
                      ...)
{
    char what[sizeof(err->msg)];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(what, sizeof(what), fmt, args);
    va_end(args);
    return err_set(err, ERR_INVALID, "%s:%zu: %s", f->name, line, what);
}

int option_file_key(const struct option_file *f, size_t line, struct str key,
                    const struct option **ret, struct err *err)
{
    const struct option_program *program = f->layer.program;
    const struct option *o = option_find(program, key);
    char hint[OPTION_HINT_SIZE];

    if (!o) {
        option_hint(program, "", key, hint);
        return option_file_error(f, line, err, "unknown key '%.*s'%s", STR_ARG(key), hint);
    }
    if (o->flags & OPTION_NO_FILE)
        return option_file_error(f, line, err, "'%s' cannot be set in a file", o->name);
    if (option_layer_has(&f->layer, o))
        return option_file_error(f, line, err, "'%s' is set twice", o->name);
    *ret = o;
    return 0;
}

int option_file_value(struct option_file *f, size_t line, const struct option *o, struct str text,
                      struct err *err)
{
    char where[WHERE_SIZE];

    (void)snprintf(where, sizeof(where), "%s:%zu: %s", f->name, line, o->name);
    return option_set(&f->layer, o, where, text, err);
}

int option_file_pair(struct option_file *f, size_t line, const struct option *o, struct str key,
                     struct str value, struct err *err)
{
    struct buf pair;
    int rc;

    if (key.len > 0 && memchr(key.p, '=', key.len))
        return option_file_error(f, line, err, "%s: '%.*s' has a '=' in its name", o->name,
                                 STR_ARG(key));
    buf_init(&pair, PAIR_MAX);
    (void)buf_add(&pair, key.p, key.len);
    (void)buf_putc(&pair, '=');
    (void)buf_add(&pair, value.p, value.len);
    if (pair.overflowed)
        rc = option_file_error(f, line, err, "%s: longer than %d bytes", o->name, PAIR_MAX);
    else
        rc = option_file_value(f, line, o, buf_str(&pair), err);
    buf_deinit(&pair);
    return rc;
}

static int refuse_shape(const struct option_file *f, size_t line, const struct option *o,
                        const char *shape, struct err *err)
{
    char allowed[OPTION_ALLOWED_SIZE];

    option_describe(o, allowed);
    return option_file_error(f, line, err, "%s: must be %s, found %s", o->name, allowed, shape);
}

int option_file_is_list(const struct option_file *f, size_t line, const struct option *o,
                        struct err *err)
{
    return o->type == OPTION_LIST ? 0 : refuse_shape(f, line, o, "a list", err);
}

int option_file_is_mapping(const struct option_file *f, size_t line, const struct option *o,
                           struct err *err)
{
    return o->flags & OPTION_PAIR ? 0 : refuse_shape(f, line, o, "a mapping", err);
}

static bool is_toml(const char *name)
{
    static const char suffix[] = ".toml";
    size_t len = strlen(name);

    return len >= strlen(suffix) && strcmp(name + len - strlen(suffix), suffix) == 0;
}

int options_from_file_text(const struct option_program *program, const char *file_name,
                           struct str text, void *values, struct err *err)
{
    struct option_file f = { .name = file_name };

    option_layer_init(&f.layer, program, values);
    return is_toml(file_name) ? option_read_toml(&f, text, err) : option_read_yaml(&f, text, err);
}
