/* The text as a whole: functions, entry points, the script's own statements; and its lines. */
#include "rhai/emit.h"

#include "rhai/emitter.h"
#include "rhai/names.h"

#include "base/mem.h"

enum { TEXT_MAX = SCRIPT_LUA_BYTES_MAX };

/*
 * Lines. The emitters mark text with "\x01 line \x02": what follows is of that line of the
 * script. A line of Lua is of one line of the script, so it is broken where that changes.
 */
struct lines {
    struct script_lua *to;
    unsigned line;   /* of what is being written */
    unsigned indent; /* blanks that the Lua line began with */
    bool is_blank;   /* nothing but blanks on the Lua line so far */
    bool is_broken;
};

static void end_line(struct lines *l)
{
    (void)buf_putc(&l->to->text, '\n');
    script_lua_map_line(l->to, l->line);
    l->is_blank = true;
}

static void put_mark(struct lines *l, unsigned line)
{
    if (line == l->line)
        return;
    if (!l->is_blank) {
        unsigned indent = l->indent;
        end_line(l);
        for (unsigned i = 0; i < indent + 4; i++)
            (void)buf_putc(&l->to->text, ' ');
        l->indent = indent;
        l->is_broken = true;
    }
    l->line = line;
}

static void put_byte(struct lines *l, char c)
{
    if (c == '\n') {
        end_line(l);
        l->indent = 0;
        l->is_broken = false;
        return;
    }
    if (l->is_blank && c == ' ' && !l->is_broken)
        l->indent++;
    else if (c != ' ')
        l->is_blank = false;
    (void)buf_putc(&l->to->text, c);
}

static void put_lines(struct str text, struct script_lua *to)
{
    struct lines l = { .to = to, .is_blank = true };

    for (size_t i = 0; i < text.len; i++) {
        if (text.p[i] != '\x01') {
            put_byte(&l, text.p[i]);
            continue;
        }
        unsigned line = 0;
        for (i++; text.p[i] != '\x02'; i++)
            line = line * 10 + (unsigned)(text.p[i] - '0');
        put_mark(&l, line);
    }
}

static void emit_functions(struct emitter *e)
{
    for (struct function *function = e->script->functions; function; function = function->next) {
        AUTO(buf_deinit) struct buf text = { 0 };
        buf_init(&text, TEXT_MAX);
        emit_mark(e->out, function->line);
        emit_function_name(e->out, function);
        (void)buf_puts(e->out, " = ");
        emit_closure(e, function, &text);
        (void)buf_add(e->out, text.p, text.len);
        (void)buf_puts(e->out, "\n\n");
    }
}

static bool emit_entries(struct emitter *e)
{
    bool has_entry = false;

    for (const struct function *f = e->script->functions; f; f = f->next) {
        unsigned count;
        if (!name_entry_params(f->symbol->text, &count) ||
            script_function(f->symbol, f->params_len) != f)
            continue;
        has_entry = true;
        emit_mark(e->out, f->line);
        (void)buf_printf(e->out, "G.%.*s = R.entry(", STR_ARG(f->symbol->text));
        emit_function_name(e->out, f);
        (void)buf_puts(e->out, ")\n");
    }
    return has_entry;
}

static void emit_main(struct emitter *e)
{
    struct frame frame = { .function = &e->script->main, .number = ++e->functions };
    AUTO(buf_deinit) struct buf body = { 0 };
    struct buf *out = e->out;

    if (!e->script->main.body->first)
        return;
    buf_init(&body, TEXT_MAX);
    e->frame = &frame;
    e->out = &body;
    emit_block(e, e->script->main.body, (struct dest){ .kind = DEST_NONE });
    e->out = out;
    if (frame.has_table)
        emit_line(e, "local __%u = {}", frame.number);
    (void)buf_puts(out, "\n");
    (void)buf_add(out, body.p, body.len);
}

bool emit_script(struct script *script, struct script_lua *ret)
{
    AUTO(buf_deinit) struct buf text = { 0 };
    struct emitter e = { .script = script, .out = &text };

    buf_init(&text, TEXT_MAX);
    (void)buf_puts(&text, "-- Compiled from Rhai: change that text, not this one.\n"
                          "local R, G, F, C = rhai, _ENV, {}, {}\n\n");
    e.locals = 4;
    emit_functions(&e);
    if (!emit_entries(&e))
        diagnostics_add(script->diagnostics, true, 0, 0,
                        "no entry point: define schedule_job(job, pools, workers) or "
                        "schedule(context)");
    emit_main(&e);
    if (script->diagnostics->errors == 0 && !text.overflowed)
        put_lines(buf_str(&text), ret);
    if (text.overflowed || ret->text.overflowed)
        diagnostics_add(script->diagnostics, false, 0, 0,
                        "the compiled policy would be larger than %d bytes", SCRIPT_LUA_BYTES_MAX);
    return script->diagnostics->errors == 0;
}
