#include "rhai/measure.h"

#include "rhai/build.h"
#include "rhai/lexer.h"
#include "rhai/names.h"

enum {
    REGISTERS_MAX = 40, /* of one operand; with 150 variables a call has room for 32 */
    TEXT_LEVELS_MAX = 40,
    LEVELS_MAX = 180,   /* of a function; LUAI_MAXCCALLS is 200 */
    ITEMS_PENDING = 50, /* that Lua's table constructor holds in registers */
    CLOSURE_LEVELS = 4,
    CALL_REGISTERS = 4, /* the function and what our library wants to know first */
};

static void measure(struct script *script, struct node *node);

bool measure_has_statements(const struct node *node)
{
    return node->flags & FLAG_STATEMENTS;
}

bool measure_is_big(const struct node *node)
{
    return node->registers > REGISTERS_MAX || node->text_levels > TEXT_LEVELS_MAX;
}

bool measure_is_constant(const struct node *node)
{
    return node->kind <= NODE_STRING || node->kind == NODE_LUA || node->kind == NODE_CLOSURE;
}

bool measure_reassigns(const struct node *method, const struct function *function)
{
    const struct node *receiver = method->first;

    if (receiver->kind != NODE_THIS && (receiver->kind != NODE_NAME || !receiver->var))
        return false;
    if (function)
        return function->assigns_this;
    return name_is_string_mutator(method->symbol->text);
}

bool measure_is_bool(const struct node *node)
{
    switch ((int)node->kind) {
    case NODE_BOOL:
    case NODE_LOGIC:
    case NODE_IN:
        return true;
    case NODE_UNARY:
        return node->op == TOKEN_NOT;
    case NODE_BINARY:
        return node->op >= TOKEN_EQ && node->op <= TOKEN_GE;
    default:
        return false;
    }
}

struct node *measure_first_optional(struct node *node)
{
    struct node *found = NULL;

    for (;; node = node->first) {
        bool is_link =
            node->kind == NODE_PROPERTY || node->kind == NODE_INDEX || node->kind == NODE_METHOD;
        if (!is_link)
            return found;
        if (node->flags & FLAG_OPTIONAL)
            found = node;
        if (node->first->flags & FLAG_PAREN)
            return found;
    }
}

static unsigned larger(unsigned a, unsigned b)
{
    return a > b ? a : b;
}

/* What the function of a closure needs counts where the closure stands. */
static unsigned measure_function(struct script *script, struct function *function)
{
    measure(script, function->body);
    unsigned levels =
        larger(function->body->statement_levels, function->body->text_levels + 1U) + 1;
    if (levels > LEVELS_MAX)
        diagnostics_add(script->diagnostics, false, function->line, function->column,
                        "what begins here is nested too deeply; move a part to a function");
    return levels;
}

static bool takes_statements(const struct node *node)
{
    if (node->kind >= NODE_BLOCK)
        return true;
    if (node->kind == NODE_METHOD)
        return measure_reassigns(node, script_function(node->symbol, node_kids_count(node) - 1));
    return false;
}

static bool is_simple(const struct node *node)
{
    return node->kind <= NODE_STRING || (node->kind == NODE_NAME && node->var);
}

static bool is_optional_chain(struct node *node)
{
    return (node->kind == NODE_PROPERTY || node->kind == NODE_INDEX || node->kind == NODE_METHOD) &&
           measure_first_optional(node) != NULL;
}

/* a ?? b may stay an expression when b costs nothing, a && b when b needs no statements. */
static bool is_lowered(const struct node *node, bool has_statements_in_tail)
{
    if (node->kind == NODE_COALESCE)
        return !is_simple(node->last);
    return node->kind == NODE_LOGIC && has_statements_in_tail;
}

/* What the kids need together. */
struct need {
    unsigned registers, text_levels, statement_levels;
    bool has_statements, has_statements_in_tail;
};

static void add_need(struct need *need, const struct node *kid, bool is_first, unsigned place)
{
    bool is_big = measure_is_big(kid);

    need->statement_levels = larger(need->statement_levels, kid->statement_levels);
    if (is_big)
        need->statement_levels = larger(need->statement_levels, kid->text_levels + 1U);
    else
        need->text_levels = larger(need->text_levels, kid->text_levels);
    need->registers = larger(need->registers, place + (is_big ? 1 : kid->registers));
    if (!is_big && !measure_has_statements(kid))
        return;
    need->has_statements = true;
    need->has_statements_in_tail = need->has_statements_in_tail || !is_first;
}

/* A statement, what keeps its variables to itself, and a loop's body. */
static unsigned own_levels(const struct node *node)
{
    if (node->kind >= NODE_WHILE && node->kind <= NODE_FOR)
        return 3;
    return node->kind >= NODE_BLOCK ? 2 : 1;
}

static void measure_kids(struct script *script, struct node *node)
{
    struct need need = { .registers = 1 };
    unsigned place = CALL_REGISTERS;

    for (struct node *kid = node->first; kid; kid = kid->next) {
        measure(script, kid);
        add_need(&need, kid, kid == node->first, place);
        if (place < CALL_REGISTERS + ITEMS_PENDING)
            place++;
    }
    bool is_temporary = takes_statements(node) || is_lowered(node, need.has_statements_in_tail) ||
                        is_optional_chain(node);
    node->registers = (uint16_t)(is_temporary ? 1 : need.registers);
    node->text_levels = (uint16_t)(is_temporary ? 1 : need.text_levels + 1);
    node->statement_levels = (uint16_t)need.statement_levels;
    if (is_temporary)
        node->statement_levels =
            (uint16_t)(larger(need.statement_levels, need.text_levels + 1) + own_levels(node));
    if (is_temporary || need.has_statements)
        node->flags |= FLAG_STATEMENTS;
}

static void measure(struct script *script, struct node *node)
{
    if (node->kind != NODE_CLOSURE) {
        measure_kids(script, node);
        return;
    }
    node->registers = 1;
    node->text_levels = (uint16_t)(measure_function(script, node->function) + CLOSURE_LEVELS);
}

void measure_script(struct script *script)
{
    script->main.line = script->main.column = 1;
    (void)measure_function(script, &script->main);
    for (struct function *function = script->functions; function; function = function->next)
        (void)measure_function(script, function);
}
