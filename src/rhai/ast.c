#include "rhai/ast.h"

#include "rhai/build.h"

void script_init(struct script *script, struct diagnostics *d)
{
    *script = (struct script){ .diagnostics = d };
    script->functions_end = &script->functions;
    arena_init(&script->arena, RHAI_ARENA_BYTES_MAX);
    map_init(&script->symbols);
}

void script_deinit(struct script *script)
{
    map_deinit(&script->symbols);
    arena_deinit(&script->arena);
}

struct symbol *script_symbol(struct script *script, struct str text)
{
    struct symbol *symbol = map_get(&script->symbols, text);

    if (symbol)
        return symbol;
    symbol = arena_alloc(&script->arena, sizeof(*symbol));
    if (!symbol)
        return NULL;
    symbol->text = text;
    map_put(&script->symbols, text, symbol);
    return symbol;
}

struct node *node_new(struct script *script, enum node_kind kind, unsigned line, unsigned column)
{
    struct node *node =
        script->nodes_count < RHAI_NODES_MAX ? arena_alloc(&script->arena, sizeof(*node)) : NULL;

    if (!node)
        return NULL;
    script->nodes_count++;
    node->kind = (uint8_t)kind;
    node->height = 1;
    node->line = line;
    node->column = column;
    return node;
}

void node_add(struct node *parent, struct node *kid)
{
    if (parent->last)
        parent->last->next = kid;
    else
        parent->first = kid;
    parent->last = kid;
    if (kid->height >= parent->height)
        parent->height = (uint16_t)(kid->height + 1);
}

size_t node_kids_count(const struct node *node)
{
    size_t count = 0;

    for (const struct node *kid = node->first; kid; kid = kid->next)
        count++;
    return count;
}

bool node_is_place(const struct node *node)
{
    return node->kind == NODE_NAME || node->kind == NODE_PROPERTY || node->kind == NODE_INDEX ||
           node->kind == NODE_THIS || node->kind == NODE_GLOBAL;
}

struct function *script_function(const struct symbol *symbol, size_t params)
{
    struct function *function = symbol->functions;

    while (function && function->params_len != params)
        function = function->same_name;
    return function;
}
