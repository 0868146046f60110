/* Names, literals and lines of Lua. */
#include "rhai/emitter.h"
#include "rhai/names.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

enum { INDENT = 4, NUMBER_SIZE = 40 };

void emit_mark(struct buf *to, unsigned line)
{
    (void)buf_printf(to, "\x01%u\x02", line);
}

void emit_begin_line(struct emitter *e)
{
    for (unsigned i = 0; i < e->indent * INDENT; i++)
        (void)buf_putc(e->out, ' ');
}

void emit_line(struct emitter *e, const char *fmt, ...)
{
    va_list args;

    emit_begin_line(e);
    va_start(args, fmt);
    (void)buf_vprintf(e->out, fmt, args);
    va_end(args);
    (void)buf_putc(e->out, '\n');
}

const char *emit_format(struct emitter *e, const char *fmt, ...)
{
    char text[256];
    va_list args;

    va_start(args, fmt);
    int len = vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    if (len < 0 || (size_t)len >= sizeof(text))
        return "nil";
    const char *copy = arena_copy(&e->script->arena, (struct str){ text, (size_t)len });
    return copy ? copy : "nil";
}

void emit_string(struct buf *to, struct str text)
{
    (void)buf_putc(to, '"');
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.p[i];
        if (c == '\n')
            (void)buf_puts(to, "\\n");
        else if (c == '"' || c == '\\')
            (void)buf_printf(to, "\\%c", c);
        else if (c < ' ' || c == 0x7f)
            (void)buf_printf(to, "\\%03u", c);
        else
            (void)buf_putc(to, (char)c);
    }
    (void)buf_putc(to, '"');
}

static bool is_lua_name(struct str name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.p[i];
        bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        if (!is_letter && (i == 0 || c < '0' || c > '9'))
            return false;
    }
    return name.len > 0 && !name_is_lua_word(name);
}

void emit_field(struct buf *to, const char *object, struct str name)
{
    (void)buf_puts(to, object);
    if (is_lua_name(name)) {
        (void)buf_puts(to, object[0] ? "." : "");
        (void)buf_add(to, name.p, name.len);
        return;
    }
    (void)buf_putc(to, '[');
    emit_string(to, name);
    (void)buf_putc(to, ']');
}

static void emit_float(struct buf *to, double value)
{
    char text[NUMBER_SIZE];
    int digits = 15;
    double again;

    do
        (void)snprintf(text, sizeof(text), "%.*g", digits, value);
    while (sscanf(text, "%lf", &again) == 1 && again != value && ++digits <= 17);
    (void)buf_puts(to, text);
    if (!strpbrk(text, ".e"))
        (void)buf_puts(to, ".0");
}

void emit_literal(struct buf *to, const struct node *node)
{
    switch ((int)node->kind) {
    case NODE_BOOL:
        (void)buf_puts(to, node->integer ? "true" : "false");
        break;
    case NODE_INT:
        if (node->integer == INT64_MIN) /* in decimal Lua would read a float */
            (void)buf_puts(to, "0x8000000000000000");
        else
            (void)buf_put_int(to, node->integer);
        break;
    case NODE_FLOAT:
        emit_float(to, node->real);
        break;
    case NODE_STRING:
        emit_string(to, node->text);
        break;
    default:
        (void)buf_puts(to, "nil");
    }
}

void emit_function_name(struct buf *to, const struct function *function)
{
    (void)buf_printf(to, "F.%.*s_%u", STR_ARG(function->symbol->text), function->params_len);
}

/* The function around a `try` keeps its names. */
static struct frame *naming_frame(struct emitter *e)
{
    struct frame *frame = e->frame;

    while (frame->is_try)
        frame = frame->up;
    return frame;
}

/* Beyond Lua's limit a variable is a field of a table. */
static const char *place_variable(struct emitter *e, const char *name)
{
    struct frame *frame = naming_frame(e);

    if (e->locals < LOCALS_MAX) {
        e->locals++;
        return name;
    }
    frame->has_table = true;
    return emit_format(e, "__%u.%s", frame->number, name);
}

static bool is_local(const char *name)
{
    return !strchr(name, '.');
}

static void declare(struct emitter *e, const char *name, const char *value)
{
    if (is_local(name) && !value)
        emit_line(e, "local %s", name);
    else
        emit_line(e, "%s%s = %s", is_local(name) ? "local " : "", name, value ? value : "nil");
}

const char *emit_temporary_name(struct emitter *e)
{
    e->locals++;
    return emit_format(e, "_%u", ++naming_frame(e)->temporaries);
}

const char *emit_temporary(struct emitter *e, const char *value)
{
    const char *name = place_variable(e, emit_format(e, "_%u", ++naming_frame(e)->temporaries));

    declare(e, name, value);
    return name;
}

/* Its own name, or x_2, x_3 … where it hides others of its name that may be meant beside it;
 * with more underscores where the script has such a name itself. */
static const char *variable_name(struct emitter *e, const struct variable *var)
{
    struct str text = var->symbol->text;
    const char *underscores = "_";

    if (var->depth == 1 && !name_is_lua_word(text))
        return emit_format(e, "%.*s", STR_ARG(text));
    for (;;) {
        const char *name = emit_format(e, "%.*s%s%u", STR_ARG(text), underscores, var->depth);
        if (!map_get(&e->script->symbols, str_of(name)))
            return name;
        underscores = emit_format(e, "%s_", underscores);
    }
}

const char *emit_variable_name(struct emitter *e, struct variable *var)
{
    var->lua = variable_name(e, var);
    e->locals++;
    return var->lua;
}

void emit_variable(struct emitter *e, struct variable *var, const char *value)
{
    const char *name = place_variable(e, variable_name(e, var));

    var->lua = name;
    declare(e, name, value);
}
