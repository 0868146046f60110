/* Statements, and where their values go. */
#include "rhai/emitter.h"

#include "base/mem.h"

enum { TEXT_MAX = SCRIPT_LUA_BYTES_MAX };

bool emit_open(struct emitter *e, bool is_needed)
{
    if (is_needed) {
        emit_line(e, "do");
        e->indent++;
    }
    return is_needed;
}

void emit_close(struct emitter *e, bool is_open, unsigned locals)
{
    if (!is_open)
        return;
    e->indent--;
    emit_line(e, "end");
    e->locals = locals;
}

static bool is_call(const struct node *node)
{
    bool is_lowered = measure_has_statements(node);

    return !is_lowered && (node->kind == NODE_CALL || node->kind == NODE_METHOD);
}

void emit_finish(struct emitter *e, struct dest dest, const struct node *node, const char *text)
{
    if (dest.kind == DEST_RETURN)
        emit_return(e, text);
    else if (dest.kind == DEST_VARIABLE)
        emit_line(e, "%s = %s", dest.name, text);
    else if (is_call(node))
        emit_line(e, "%s", text);
    else if (node->kind > NODE_STRING && !measure_has_statements(node))
        emit_line(e, "R.drop(%s)", text); /* for the errors that working it out may raise */
}

/* The text of `node`, marked with its line; in the arena of the script's buffers. */
static void value_text(struct emitter *e, struct node *node, unsigned mode, struct buf *text)
{
    buf_init(text, TEXT_MAX);
    emit_value(e, node, mode, text);
}

/* x.push(1); needs no variable for a result that nobody asks for. */
static bool is_bare_mutation(const struct node *node, struct dest dest)
{
    if (dest.kind != DEST_NONE || node->kind != NODE_METHOD)
        return false;
    for (const struct node *kid = node->first; kid; kid = kid->next) {
        if (measure_has_statements(kid) || measure_is_big(kid))
            return false;
    }
    return measure_reassigns(node, script_function(node->symbol, node_kids_count(node) - 1));
}

static void emit_expression(struct emitter *e, struct node *node, struct dest dest)
{
    AUTO(buf_deinit) struct buf text = { 0 };
    unsigned locals = e->locals;
    if (is_bare_mutation(node, dest)) {
        emit_method(e, node, NULL);
        return;
    }
    bool is_open = emit_open(e, measure_has_statements(node));
    bool is_own = node->kind == NODE_NAME && node->var && !node->var->is_captured;

    value_text(e, node, dest.kind == DEST_NONE || is_own ? ITEM_VALUE : ITEM_COPY, &text);
    emit_finish(e, dest, node, buf_cstr(&text));
    emit_close(e, is_open, locals);
}

static void emit_let(struct emitter *e, struct node *node)
{
    AUTO(buf_deinit) struct buf text = { 0 };
    struct variable *var = node->var;
    struct node *value = node->first;

    buf_init(&text, TEXT_MAX);
    if (value && value->kind >= NODE_BLOCK) {
        emit_variable(e, var, NULL);
        emit_statement(e, value, (struct dest){ DEST_VARIABLE, var->lua });
    } else if (value && measure_has_statements(value)) {
        emit_variable(e, var, NULL);
        unsigned locals = e->locals;
        bool is_open = emit_open(e, true);
        emit_value(e, value, ITEM_COPY, &text);
        emit_line(e, "%s = %s", var->lua, buf_cstr(&text));
        emit_close(e, is_open, locals);
    } else {
        if (value)
            emit_value(e, value, ITEM_COPY, &text);
        emit_variable(e, var, value ? buf_cstr(&text) : NULL);
    }
    if (var->is_const && var->symbol->script_var == var) {
        buf_clear(&text);
        emit_field(&text, "C", var->symbol->text);
        emit_line(e, "%s = %s", buf_cstr(&text), var->lua);
    }
}

static void emit_throw(struct emitter *e, struct node *node)
{
    AUTO(buf_deinit) struct buf text = { 0 };
    struct item item = { .node = node->first, .mode = ITEM_COPY };

    buf_init(&text, TEXT_MAX);
    emit_call(e, node, "R.throw", &item, node->first ? 1 : 0, &text);
    emit_line(e, "%s", buf_cstr(&text));
}

static void emit_leave(struct emitter *e, struct node *node)
{
    AUTO(buf_deinit) struct buf text = { 0 };

    buf_init(&text, TEXT_MAX);
    if (node->first)
        emit_value(e, node->first, ITEM_COPY, &text);
    if (node->kind == NODE_RETURN)
        emit_return(e, node->first ? buf_cstr(&text) : "nil");
    else
        emit_break(e, node->first ? buf_cstr(&text) : NULL);
}

static void emit_scoped_assign(struct emitter *e, struct node *node)
{
    unsigned locals = e->locals;
    bool needs_scope = measure_has_statements(node->last) || measure_is_big(node->last) ||
                       measure_has_statements(node->first) || measure_is_big(node->first);
    bool is_open = emit_open(e, needs_scope);

    emit_assign(e, node);
    emit_close(e, is_open, locals);
}

static void emit_inner_block(struct emitter *e, struct node *node, struct dest dest)
{
    bool is_open = emit_open(e, true);

    emit_block(e, node, dest);
    emit_close(e, is_open, e->locals);
}

void emit_statement(struct emitter *e, struct node *node, struct dest dest)
{
    emit_mark(e->out, node->line);
    switch ((int)node->kind) {
    case NODE_BLOCK:
        emit_inner_block(e, node, dest);
        break;
    case NODE_IF:
        emit_if(e, node, dest);
        break;
    case NODE_SWITCH:
        emit_switch(e, node, dest);
        break;
    case NODE_WHILE:
    case NODE_LOOP:
    case NODE_DO:
    case NODE_FOR:
        emit_loop(e, node, dest);
        break;
    case NODE_LET:
        emit_let(e, node);
        break;
    case NODE_ASSIGN:
        emit_scoped_assign(e, node);
        break;
    case NODE_RETURN:
    case NODE_BREAK:
        emit_leave(e, node);
        break;
    case NODE_CONTINUE:
        emit_continue(e);
        break;
    case NODE_THROW:
        emit_throw(e, node);
        break;
    case NODE_TRY:
        emit_try(e, node);
        break;
    default:
        emit_expression(e, node, dest);
    }
}

static bool leaves(const struct node *node)
{
    return node->kind == NODE_RETURN || node->kind == NODE_BREAK || node->kind == NODE_CONTINUE ||
           node->kind == NODE_THROW;
}

/* What follows a return is never reached, and Lua would not take it. */
void emit_block(struct emitter *e, struct node *block, struct dest dest)
{
    const struct dest none = { .kind = DEST_NONE };
    unsigned locals = e->locals;

    for (struct node *statement = block->first; statement; statement = statement->next) {
        emit_statement(e, statement, statement->next ? none : dest);
        if (leaves(statement))
            break;
    }
    e->locals = locals;
}
