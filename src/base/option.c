#include "base/option_internal.h"

#include "base/file.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { NAME_MAX_BYTES = 64 };

/* --- finding --- */

static char fold(char c)
{
    if (c == '_')
        return '-';
    return c;
}

static bool is_named(const struct option *o, struct str name)
{
    if (strlen(o->name) != name.len)
        return false;
    for (size_t i = 0; i < name.len; i++) {
        if (fold(o->name[i]) != fold(name.p[i]))
            return false;
    }
    return true;
}

const struct option *option_find(const struct option_program *program, struct str name)
{
    for (const struct option *o = program->options; o->name; o++) {
        if (is_named(o, name))
            return o;
    }
    return NULL;
}

static size_t min3(size_t a, size_t b, size_t c)
{
    size_t ab = a < b ? a : b;

    return ab < c ? ab : c;
}

/* Insertions, deletions and replacements between two names (Levenshtein 1966), by
 * Wagner and Fischer's table, of which one row is enough. */
static size_t distance(const char *a, struct str b)
{
    size_t row[NAME_MAX_BYTES + 1];

    for (size_t i = 0; i <= b.len; i++)
        row[i] = i;
    for (size_t i = 0; a[i]; i++) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t k = 0; k < b.len; k++) {
            size_t replaced = diagonal + (fold(a[i]) != fold(b.p[k]));
            diagonal = row[k + 1];
            row[k + 1] = min3(replaced, row[k] + 1, row[k + 1] + 1);
        }
    }
    return row[b.len];
}

void option_hint(const struct option_program *program, const char *dashes, struct str name,
                 char ret[OPTION_HINT_SIZE])
{
    const struct option *nearest = NULL;
    size_t least = name.len / 3 + 2; /* farther away it is a guess, not a typing error */

    ret[0] = '\0';
    if (name.len > NAME_MAX_BYTES)
        return;
    for (const struct option *o = program->options; o->name; o++) {
        size_t d = o->flags & OPTION_HIDDEN ? least : distance(o->name, name);
        if (d < least) {
            least = d;
            nearest = o;
        }
    }
    if (nearest)
        (void)snprintf(ret, OPTION_HINT_SIZE, " (did you mean '%s%s'?)", dashes, nearest->name);
}

/* --- layers --- */

void option_layer_init(struct option_layer *layer, const struct option_program *program,
                       void *values)
{
    size_t rows = 0;

    while (program->options[rows].name)
        rows++;
    assert(rows <= OPTION_ROWS_MAX);
    *layer = (struct option_layer){ .program = program, .values = values };
}

bool option_layer_has(const struct option_layer *layer, const struct option *o)
{
    return layer->is_set[o - layer->program->options];
}

static void read_defaults(const struct option_program *program, void *values)
{
    struct option_layer layer;
    struct err err;

    option_layer_init(&layer, program, values);
    for (const struct option *o = program->options; o->name; o++) {
        int rc = o->fallback ? option_set_words(&layer, o, o->name, o->fallback, &err) : 0;
        if (rc < 0) {
            (void)fprintf(stderr, "%s: default of %s\n", program->name, err.msg);
            abort(); /* a row of the table is wrong */
        }
    }
}

static void env_name(const struct option_program *program, const struct option *o,
                     char ret[NAME_MAX_BYTES])
{
    (void)snprintf(ret, NAME_MAX_BYTES, "%s%s", program->env_prefix, o->name);
    for (char *p = ret; *p; p++)
        *p = (char)(*p == '-' ? '_' : toupper((unsigned char)*p));
}

static const char *env_value(const struct option_program *program, const struct option *o,
                             char name[NAME_MAX_BYTES])
{
    if (o->flags & OPTION_NO_ENV)
        return NULL;
    env_name(program, o, name);
    const char *value = getenv(name);
    return value && value[0] ? value : NULL;
}

static int read_env(const struct option_program *program, void *values, struct err *err)
{
    struct option_layer layer;
    char name[NAME_MAX_BYTES];

    option_layer_init(&layer, program, values);
    for (const struct option *o = program->options; o->name; o++) {
        const char *value = env_value(program, o, name);
        int rc = value ? option_set_words(&layer, o, name, value, err) : 0;
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int read_file(const struct option_program *program, const char *path, bool may_be_absent,
                     void *values, struct err *err)
{
    struct buf text;

    buf_init(&text, OPTION_FILE_MAX);
    int rc = file_read(path, &text, err);
    if (rc == 0)
        rc = options_from_file_text(program, path, buf_str(&text), values, err);
    else if (may_be_absent && (err->sys_errno == ENOENT || err->sys_errno == ENOTDIR))
        rc = 0;
    buf_deinit(&text);
    return rc;
}

/* Named by flag or variable it must be there; the default one need not. */
static int read_config(const struct option_program *program, const char *config,
                       const char *default_config, void *values, struct err *err)
{
    const struct option *row = option_find(program, str_of("config"));
    char name[NAME_MAX_BYTES];

    if (!config && row)
        config = env_value(program, row, name);
    if (config)
        return read_file(program, config, false, values, err);
    if (default_config)
        return read_file(program, default_config, true, values, err);
    return 0;
}

static int read_command_line(const struct option_program *program, int argc, char **argv,
                             void *values, struct option_result *ret, struct err *err)
{
    struct option_result result;
    struct option_layer layer;

    option_layer_init(&layer, program, values);
    int rc = option_read_argv(&layer, argc, argv, &result, err);
    if (rc < 0)
        return rc;
    if (result.operands_len > 0 && strcmp(program->usage, "[OPTION]...") == 0)
        return err_set(err, ERR_INVALID, "unexpected argument '%s'", result.operands[0]);
    *ret = result;
    return 0;
}

static int read_layers(const struct option_program *program, int argc, char **argv,
                       const char *default_config, void *values, struct option_result *ret,
                       struct err *err)
{
    struct option_preview preview;

    int rc = option_preview_argv(program, argc, argv, &preview, err);
    if (rc < 0)
        return rc;
    read_defaults(program, values);
    if (preview.answer) {
        *(bool *)((char *)values + preview.answer->offset) = true;
        *ret = (struct option_result){ argv, 0 };
        return 0;
    }
    rc = read_config(program, preview.config, default_config, values, err);
    if (rc == 0)
        rc = read_env(program, values, err);
    if (rc == 0)
        rc = read_command_line(program, argc, argv, values, ret, err);
    return rc;
}

int options_load(const struct option_program *program, int argc, char **argv,
                 const char *default_config, void *values, struct option_result *ret,
                 struct err *err)
{
    int rc = read_layers(program, argc, argv, default_config, values, ret, err);

    if (rc < 0)
        options_free(program, values);
    return rc;
}

void options_free(const struct option_program *program, void *values)
{
    for (const struct option *o = program->options; o->name; o++)
        option_free_value(o, values);
}
