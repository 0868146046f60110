/* Lua functions: of the script, of closures, and the one that `try` runs. */
#include "rhai/emitter.h"

#include "base/mem.h"

enum { TEXT_MAX = SCRIPT_LUA_BYTES_MAX };

/* What a `try` answers when its block leaves by more than its end. */
enum { LEFT_BY_RETURN = 1, LEFT_BY_BREAK = 2, LEFT_BY_CONTINUE = 3 };

/* One expression without statements: |w| w.gpus > 1. */
static struct node *only_expression(const struct function *function)
{
    struct node *body = function->body;

    while (body->kind == NODE_BLOCK && body->first && !body->first->next)
        body = body->first;
    bool is_expression = body->kind < NODE_BLOCK && !measure_has_statements(body);
    return is_expression && body->line == function->line ? body : NULL;
}

static bool ends_with_return(const struct node *node);

/* What follows a return is not written. */
static bool block_returns(const struct node *block)
{
    for (const struct node *kid = block->first; kid; kid = kid->next) {
        if (kid->kind == NODE_RETURN || kid->kind == NODE_THROW)
            return true;
    }
    return block->last && ends_with_return(block->last);
}

static bool blocks_return(const struct node *node)
{
    for (const struct node *kid = node->first; kid; kid = kid->next) {
        if (kid->kind == NODE_BLOCK && !ends_with_return(kid))
            return false;
    }
    return true;
}

static bool ends_with_return(const struct node *node)
{
    switch ((int)node->kind) {
    case NODE_RETURN:
    case NODE_THROW:
        return true;
    case NODE_BLOCK:
        return block_returns(node);
    case NODE_IF:
        return node_kids_count(node) % 2 == 1 && blocks_return(node);
    default:
        return node->kind < NODE_BLOCK;
    }
}

static void emit_body(struct emitter *e, const struct function *function)
{
    const struct dest dest = { .kind = DEST_RETURN };

    if (function->body->kind == NODE_BLOCK)
        emit_block(e, function->body, dest);
    else
        emit_statement(e, function->body, dest);
    if (!ends_with_return(function->body))
        emit_return(e, "nil");
}

static void emit_params(struct emitter *e, const struct function *function, struct buf *to)
{
    const char *separator = "";

    (void)buf_puts(to, "function(");
    if (function->uses_this) {
        (void)buf_puts(to, "self");
        separator = ", ";
    }
    for (unsigned i = 0; i < function->params_len; i++) {
        (void)buf_printf(to, "%s%s", separator, emit_variable_name(e, function->params[i]));
        separator = ", ";
    }
    (void)buf_putc(to, ')');
}

static void emit_lines(struct emitter *e, const struct function *function, struct buf *to)
{
    AUTO(buf_deinit) struct buf body = { 0 };

    buf_init(&body, TEXT_MAX);
    e->out = &body;
    e->indent++;
    emit_body(e, function);
    (void)buf_putc(to, '\n');
    if (e->frame->has_table) {
        e->out = to;
        emit_line(e, "local __%u = {}", e->frame->number);
    }
    (void)buf_add(to, body.p, body.len);
    e->indent--;
    e->out = to;
    emit_begin_line(e);
}

/* The closing "end" is of the line where the body ended. */
static void emit_lua_function(struct emitter *e, struct function *function, struct buf *to)
{
    struct frame frame = { .up = e->frame, .function = function, .number = ++e->functions };
    struct buf *out = e->out;
    unsigned locals = e->locals;
    struct node *expression = only_expression(function);

    e->frame = &frame;
    emit_params(e, function, to);
    if (expression && !function->assigns_this) {
        bool is_plain = expression->kind <= NODE_STRING || emit_is_operator(expression);
        (void)buf_puts(to, is_plain ? " return " : " return (");
        emit_value(e, expression, ITEM_COPY, to);
        (void)buf_puts(to, is_plain ? " " : ") ");
    } else {
        emit_lines(e, function, to);
    }
    (void)buf_puts(to, "end");
    e->frame = frame.up;
    e->out = out;
    e->locals = locals;
}

void emit_closure(struct emitter *e, struct function *function, struct buf *to)
{
    if (function->uses_this)
        (void)buf_puts(to, "R.method(");
    emit_lua_function(e, function, to);
    if (function->uses_this)
        (void)buf_puts(to, function->assigns_this ? ", true)" : ")");
}

/* return, break and continue of the block, carried out where `try` stands. */
static void emit_leaving(struct emitter *e, const struct frame *frame, const char *how,
                         const char *value)
{
    const char *word = "elseif";

    if (frame->returns) {
        emit_line(e, "%s %s == %d then", word, how, LEFT_BY_RETURN);
        e->indent++;
        emit_return(e, value);
        e->indent--;
    }
    if (frame->breaks) {
        emit_line(e, "%s %s == %d then", word, how, LEFT_BY_BREAK);
        e->indent++;
        emit_break(e, value);
        e->indent--;
    }
    if (frame->continues) {
        emit_line(e, "%s %s == %d then", word, how, LEFT_BY_CONTINUE);
        e->indent++;
        emit_continue(e);
        e->indent--;
    }
}

void emit_try(struct emitter *e, struct node *node)
{
    struct frame frame = { .up = e->frame, .function = e->frame->function, .is_try = true };
    const struct dest none = { .kind = DEST_NONE };
    unsigned locals = e->locals;

    emit_line(e, "do");
    e->indent++;
    const char *ok, *how, *value;
    if (e->locals + 3 <= LOCALS_MAX) {
        ok = emit_temporary_name(e);
        how = emit_temporary_name(e);
        value = emit_temporary_name(e);
    } else {
        ok = emit_temporary(e, "nil");
        how = emit_temporary(e, "nil");
        value = emit_temporary(e, "nil");
    }
    emit_line(e, "%s%s, %s, %s = R.try(function()", strchr(value, '.') ? "" : "local ", ok, how,
              value);
    e->frame = &frame;
    e->indent++;
    emit_block(e, node->first, none);
    e->indent--;
    e->frame = frame.up;
    emit_line(e, "end)");
    emit_line(e, "if not %s then", ok);
    e->indent++;
    unsigned inner = e->locals;
    if (node->var)
        emit_variable(e, node->var, how);
    emit_block(e, node->last, none);
    e->locals = inner;
    e->indent--;
    emit_leaving(e, &frame, how, value);
    emit_line(e, "end");
    e->indent--;
    emit_line(e, "end");
    e->locals = locals;
}

void emit_return(struct emitter *e, const char *text)
{
    if (e->frame->is_try) {
        e->frame->returns = true;
        emit_line(e, "return %d, %s", LEFT_BY_RETURN, text);
    } else if (e->frame->function->assigns_this) {
        emit_line(e, "return %s, self", text);
    } else {
        /* Not a tail call: an error must find the line of this one. */
        bool is_call = text[0] && text[strlen(text) - 1] == ')';
        emit_line(e, is_call ? "return (%s)" : "return %s", text);
    }
}

void emit_break(struct emitter *e, const char *text)
{
    if (e->frame->is_try && e->frame->loops == 0) {
        e->frame->breaks = true;
        emit_line(e, "return %d, %s", LEFT_BY_BREAK, text ? text : "nil");
        return;
    }
    if (text && e->frame->loop_dest.kind == DEST_VARIABLE)
        emit_line(e, "%s = %s", e->frame->loop_dest.name, text);
    if (text && e->frame->loop_dest.kind == DEST_RETURN)
        emit_return(e, text);
    else
        emit_line(e, "break");
}

void emit_continue(struct emitter *e)
{
    if (e->frame->is_try && e->frame->loops == 0) {
        e->frame->continues = true;
        emit_line(e, "return %d", LEFT_BY_CONTINUE);
    } else {
        emit_line(e, "goto continue");
    }
}
