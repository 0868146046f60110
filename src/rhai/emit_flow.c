/* if, switch and loops. */
#include "rhai/emitter.h"

#include "base/mem.h"

#include <inttypes.h>

enum { TEXT_MAX = SCRIPT_LUA_BYTES_MAX };

/*
 * if … elseif … end, where a condition may need statements before it: the chain is then cut
 * in two, and the second part runs when nothing of the first did. One after the other, not
 * one in the other, for Lua bounds nesting.
 */
struct chain {
    const char *pending; /* the variable that says so, when there is a cut */
    bool has_begun;      /* an `if` is open */
    bool is_cut;         /* and one around it */
};

static void chain_cut(struct emitter *e, struct chain *chain)
{
    if (!chain->has_begun)
        return;
    emit_line(e, "else");
    emit_line(e, "    %s = true", chain->pending);
    emit_line(e, "end");
    if (chain->is_cut) {
        e->indent--;
        emit_line(e, "end");
    }
    emit_line(e, "if %s then", chain->pending);
    e->indent++;
    emit_line(e, "%s = false", chain->pending);
    chain->is_cut = true;
    chain->has_begun = false;
}

static void chain_arm(struct emitter *e, struct chain *chain, unsigned line, const char *condition,
                      struct node *body, struct dest dest)
{
    emit_mark(e->out, line);
    emit_line(e, "%s %s then", chain->has_begun ? "elseif" : "if", condition);
    chain->has_begun = true;
    e->indent++;
    if (body->kind == NODE_BLOCK)
        emit_block(e, body, dest);
    else
        emit_statement(e, body, dest);
    e->indent--;
}

static void chain_end(struct emitter *e, struct chain *chain, struct node *otherwise,
                      struct dest dest)
{
    if (otherwise && chain->has_begun)
        emit_line(e, "else");
    if (otherwise) {
        if (!chain->has_begun)
            emit_line(e, "do");
        e->indent++;
        if (otherwise->kind == NODE_BLOCK)
            emit_block(e, otherwise, dest);
        else
            emit_statement(e, otherwise, dest);
        e->indent--;
        if (!chain->has_begun)
            emit_line(e, "end");
    }
    if (chain->has_begun)
        emit_line(e, "end");
    if (chain->is_cut) {
        e->indent--;
        emit_line(e, "end");
    }
}

static bool has_statements(const struct node *node)
{
    return measure_has_statements(node) || measure_is_big(node);
}

void emit_if(struct emitter *e, struct node *node, struct dest dest)
{
    struct chain chain = { 0 };
    bool needs_scope = has_statements(node->first);
    bool is_cut = false;
    unsigned locals = e->locals;

    for (const struct node *cond = node->first->next->next; cond && cond->next;
         cond = cond->next->next)
        is_cut = is_cut || has_statements(cond);
    bool is_open = emit_open(e, needs_scope || is_cut);
    if (is_cut)
        chain.pending = emit_temporary(e, "false");

    struct node *cond = node->first;
    unsigned inner = e->locals;
    for (; cond && cond->next; cond = cond->next->next) {
        AUTO(buf_deinit) struct buf text = { 0 };
        buf_init(&text, TEXT_MAX);
        if (has_statements(cond) && chain.has_begun) {
            chain_cut(e, &chain);
            e->locals = inner;
        }
        emit_value(e, cond, ITEM_BOOL, &text);
        chain_arm(e, &chain, cond->line, buf_cstr(&text), cond->next, dest);
    }
    chain_end(e, &chain, cond, dest);
    emit_close(e, is_open, locals);
}

static void emit_case(const struct node *value, const char *subject, struct buf *to)
{
    if (value->kind == NODE_RANGE) {
        (void)buf_printf(to, "R.is_within(%s, %" PRId64 ", %" PRId64 ", %s)", subject,
                         value->first->integer, value->last->integer,
                         value->op == TOKEN_RANGE ? "false" : "true");
    } else if (value->kind == NODE_INT || value->kind == NODE_FLOAT) {
        (void)buf_printf(to, "R.is_same(%s, ", subject);
        emit_literal(to, value);
        (void)buf_putc(to, ')');
    } else {
        (void)buf_printf(to, "%s == ", subject);
        emit_literal(to, value);
    }
}

static bool has_range(const struct node *arm)
{
    for (const struct node *kid = arm->first; kid->kind == NODE_CASE; kid = kid->next) {
        if (kid->first && kid->first->kind == NODE_RANGE)
            return true;
    }
    return false;
}

static struct node *guard_of(const struct node *arm)
{
    struct node *kid = arm->first;

    while (kid->kind == NODE_CASE)
        kid = kid->next;
    return arm->flags & FLAG_GUARDED ? kid : NULL;
}

static void emit_cases(const struct node *arm, const char *subject, struct buf *to)
{
    bool is_grouped = arm->flags & FLAG_GUARDED && arm->first->next->kind == NODE_CASE;

    if (is_grouped)
        (void)buf_putc(to, '(');
    for (const struct node *kid = arm->first; kid->kind == NODE_CASE; kid = kid->next) {
        if (kid != arm->first)
            (void)buf_puts(to, " or ");
        emit_case(kid->first, subject, to);
    }
    if (is_grouped)
        (void)buf_putc(to, ')');
}

static void emit_arm(struct emitter *e, struct chain *chain, struct node *arm, const char *subject,
                     struct dest dest)
{
    AUTO(buf_deinit) struct buf text = { 0 };
    struct node *guard = guard_of(arm);
    unsigned locals = e->locals;

    buf_init(&text, TEXT_MAX);
    emit_cases(arm, subject, &text);
    if (guard && has_statements(guard)) {
        chain_cut(e, chain);
        const char *matches = emit_temporary(e, buf_cstr(&text));
        emit_line(e, "if %s then", matches);
        e->indent++;
        buf_clear(&text);
        emit_value(e, guard, ITEM_BOOL, &text);
        emit_line(e, "%s = %s", matches, buf_cstr(&text));
        e->indent--;
        emit_line(e, "end");
        chain_arm(e, chain, arm->line, matches, arm->last, dest);
        e->locals = locals;
        return;
    }
    if (guard) {
        (void)buf_puts(&text, " and ");
        emit_value(e, guard, ITEM_BOOL | ITEM_TIGHT, &text);
    }
    chain_arm(e, chain, arm->line, buf_cstr(&text), arm->last, dest);
}

static bool is_default(const struct node *arm)
{
    return !arm->first->first;
}

/* Single values are looked for before ranges, whatever their order. */
static void emit_arms(struct emitter *e, struct chain *chain, const struct node *node,
                      const char *subject, struct dest dest)
{
    struct node *otherwise = NULL;

    for (int ranges = 0; ranges < 2; ranges++) {
        for (struct node *arm = node->first->next; arm; arm = arm->next) {
            if (is_default(arm))
                otherwise = arm->last;
            else if (has_range(arm) == (ranges == 1))
                emit_arm(e, chain, arm, subject, dest);
        }
    }
    chain_end(e, chain, otherwise, dest);
}

void emit_switch(struct emitter *e, struct node *node, struct dest dest)
{
    AUTO(buf_deinit) struct buf text = { 0 };
    struct chain chain = { 0 };
    unsigned locals = e->locals;
    bool is_cut = false, is_name = node->first->kind == NODE_NAME && node->first->var;

    for (const struct node *arm = node->first->next; arm; arm = arm->next) {
        const struct node *guard = guard_of(arm);
        is_cut = is_cut || (guard && has_statements(guard));
    }
    bool is_open = emit_open(e, is_cut || !is_name);
    if (is_cut)
        chain.pending = emit_temporary(e, "false");
    buf_init(&text, TEXT_MAX);
    emit_value(e, node->first, ITEM_VALUE, &text);
    const char *subject = is_name ? node->first->var->lua : emit_temporary(e, buf_cstr(&text));
    emit_arms(e, &chain, node, subject, dest);
    emit_close(e, is_open, locals);
}

/* `continue` jumps to the end of the body, past its variables. */
static void emit_loop_body(struct emitter *e, const struct node *loop, struct node *body,
                           struct dest dest)
{
    struct dest around = e->frame->loop_dest;
    bool continues = loop->flags & FLAG_CONTINUES;

    e->frame->loop_dest = dest;
    e->frame->loops++;
    e->indent++;
    unsigned locals = e->locals;
    bool is_open = emit_open(e, continues);
    emit_block(e, body, (struct dest){ .kind = DEST_NONE });
    emit_close(e, is_open, locals);
    if (continues)
        emit_line(e, "::continue::");
    e->indent--;
    e->frame->loops--;
    e->frame->loop_dest = around;
}

static void emit_while(struct emitter *e, struct node *node, struct dest dest)
{
    AUTO(buf_deinit) struct buf text = { 0 };
    struct node *cond = node->first;
    unsigned locals = e->locals;

    buf_init(&text, TEXT_MAX);
    if (!has_statements(cond)) {
        emit_value(e, cond, ITEM_BOOL, &text);
        emit_line(e, "while %s do", buf_cstr(&text));
    } else {
        emit_line(e, "while true do");
        e->indent++;
        emit_value(e, cond, ITEM_BOOL | ITEM_TIGHT, &text);
        emit_line(e, "if not %s then", buf_cstr(&text));
        emit_line(e, "    break");
        emit_line(e, "end");
        e->indent--;
    }
    emit_loop_body(e, node, node->last, dest);
    emit_line(e, "end");
    e->locals = locals;
}

static void emit_do(struct emitter *e, struct node *node, struct dest dest)
{
    AUTO(buf_deinit) struct buf text = { 0 };
    unsigned locals = e->locals;

    buf_init(&text, TEXT_MAX);
    emit_line(e, "repeat");
    e->indent++;
    unsigned inner = e->locals;
    bool is_open = emit_open(e, true);
    e->indent--;
    emit_loop_body(e, node, node->first, dest);
    e->indent++;
    emit_close(e, is_open, inner);
    emit_value(e, node->last, ITEM_BOOL | ITEM_TIGHT, &text);
    e->indent--;
    emit_mark(e->out, node->last->line);
    emit_line(e, "until %s%s", node->flags & FLAG_NEGATED ? "" : "not ", buf_cstr(&text));
    e->locals = locals;
}

/* for i in 0..10 is Lua's own loop. */
static bool is_counting(const struct node *node)
{
    const struct node *range = node->first;

    return range->kind == NODE_RANGE && range->first->kind == NODE_INT &&
           range->last->kind == NODE_INT && !node->counter && !node->var->is_captured &&
           range->last->integer > INT64_MIN;
}

/* A captured variable is one for all turns, so it lives outside of the loop. */
static const char *loop_variable(struct emitter *e, struct variable *var, const char **ret_outer)
{
    *ret_outer = NULL;
    if (!var)
        return "_";
    if (!var->is_captured)
        return emit_variable_name(e, var);
    emit_variable(e, var, NULL);
    *ret_outer = var->lua;
    return emit_temporary_name(e);
}

static void emit_outer(struct emitter *e, const char *outer, const char *inner)
{
    if (!outer)
        return;
    e->indent++;
    emit_line(e, "%s = %s", outer, inner);
    e->indent--;
}

static void emit_for(struct emitter *e, struct node *node, struct dest dest)
{
    AUTO(buf_deinit) struct buf text = { 0 };
    const struct node *range = node->first;
    const char *outer_item, *outer_counter;
    unsigned locals = e->locals;

    if (e->locals > LOOP_LOCALS_MAX) {
        diagnostics_add(e->script->diagnostics, false, node->line, node->column,
                        "too many loops within loops; move one to a function");
        return;
    }
    bool is_open = emit_open(e, has_statements(range) || node->var->is_captured ||
                                    (node->counter && node->counter->is_captured));
    buf_init(&text, TEXT_MAX);
    if (!is_counting(node))
        emit_value(e, node->first, ITEM_VALUE, &text);
    const char *counter = loop_variable(e, node->counter, &outer_counter);
    const char *item = loop_variable(e, node->var, &outer_item);
    e->locals += LOOP_LOCALS;
    if (is_counting(node))
        emit_line(e, "for %s = %" PRId64 ", %" PRId64 " do", item, range->first->integer,
                  range->last->integer - (range->op == TOKEN_RANGE));
    else
        emit_line(e, "for %s, %s in R.iter(%s) do", counter, item, buf_cstr(&text));
    emit_outer(e, outer_counter, counter);
    emit_outer(e, outer_item, item);
    emit_loop_body(e, node, node->last, dest);
    emit_line(e, "end");
    emit_close(e, is_open, locals);
    e->locals = locals;
}

static void emit_endless(struct emitter *e, struct node *node, struct dest dest)
{
    emit_line(e, "while true do");
    emit_loop_body(e, node, node->first, dest);
    emit_line(e, "end");
}

void emit_loop(struct emitter *e, struct node *node, struct dest dest)
{
    switch ((int)node->kind) {
    case NODE_WHILE:
        emit_while(e, node, dest);
        break;
    case NODE_DO:
        emit_do(e, node, dest);
        break;
    case NODE_FOR:
        emit_for(e, node, dest);
        break;
    default:
        emit_endless(e, node, dest);
    }
}
