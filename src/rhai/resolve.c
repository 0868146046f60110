#include "rhai/resolve.h"

#include "rhai/build.h"
#include "rhai/lexer.h"
#include "rhai/names.h"

/* Parameters of closures inside of one another: Lua's limit is 255 captured variables. */
enum { PARAMS_IN_CHAIN_MAX = 100 };

struct resolver {
    struct script *script;
    struct function *function;
    struct variable *visible; /* the newest one */
    unsigned params;          /* of the functions around */
    unsigned scopes;
};

#define ERROR_AT(r, place, ...) \
    diagnostics_add((r)->script->diagnostics, false, (place)->line, (place)->column, __VA_ARGS__)
#define WARN_AT(r, place, ...) \
    diagnostics_add((r)->script->diagnostics, true, (place)->line, (place)->column, __VA_ARGS__)

static void resolve(struct resolver *r, struct node *node);

static void declare(struct resolver *r, struct variable *var)
{
    struct symbol *symbol = var->symbol;

    var->owner = r->function;
    var->shadowed = symbol->top;
    var->depth = symbol->top ? symbol->top->depth + 1 : 1;
    symbol->top = var;
    var->enclosing = r->visible;
    r->visible = var;
    if (r->function == &r->script->main && r->scopes == 0)
        symbol->script_var = var;
}

static struct variable *open_scope(struct resolver *r)
{
    r->scopes++;
    return r->visible;
}

static void close_scope(struct resolver *r, struct variable *before)
{
    r->scopes--;
    while (r->visible != before) {
        r->visible->symbol->top = r->visible->shadowed;
        r->visible = r->visible->enclosing;
    }
}

static void resolve_kids(struct resolver *r, struct node *node)
{
    for (struct node *kid = node->first; kid; kid = kid->next)
        resolve(r, kid);
}

static void resolve_scoped(struct resolver *r, struct node *node, struct variable *var)
{
    struct variable *before = open_scope(r);

    if (var)
        declare(r, var);
    resolve(r, node);
    close_scope(r, before);
}

static void explain_unknown(struct resolver *r, const struct node *node)
{
    struct str name = node->symbol->text;
    const struct variable *outer = node->symbol->script_var;

    if (outer && outer->is_const)
        ERROR_AT(r, node, "a function reaches the constant '%.*s' as global::%.*s", STR_ARG(name),
                 STR_ARG(name));
    else if (outer)
        ERROR_AT(r, node,
                 "a function does not see the script's variable '%.*s'; pass it as an argument",
                 STR_ARG(name));
    else if (!name_is_known_global(name))
        WARN_AT(r, node, "'%.*s' is neither declared here nor an object of the policy API",
                STR_ARG(name));
}

static void resolve_name(struct resolver *r, struct node *node)
{
    node->var = node->symbol->top;
    if (node->var && node->var->owner != r->function)
        node->var->is_captured = true;
    if (!node->var && !node->symbol->functions)
        explain_unknown(r, node);
}

static void resolve_global(struct resolver *r, const struct node *node)
{
    const struct variable *var = node->symbol->script_var;

    if (!var || !var->is_const)
        ERROR_AT(r, node, "the script has no constant '%.*s' outside of its functions",
                 STR_ARG(node->symbol->text));
}

static void resolve_this(struct resolver *r, const struct node *node)
{
    if (r->function == &r->script->main)
        ERROR_AT(r, node, "'this' has a meaning only in functions and closures");
    r->function->uses_this = true;
}

static void resolve_call(struct resolver *r, struct node *node)
{
    const struct symbol *symbol = node->symbol;
    struct str name = symbol->text;

    resolve_kids(r, node);
    if (script_function(symbol, node_kids_count(node)) || name_is_known_function(name))
        return;
    if (symbol->top)
        ERROR_AT(r, node, "'%.*s' is a variable; call what it holds with %.*s.call(…)",
                 STR_ARG(name), STR_ARG(name));
    else if (symbol->functions)
        WARN_AT(r, node, "no function '%.*s' of this script takes %zu argument%s", STR_ARG(name),
                node_kids_count(node), node_kids_count(node) == 1 ? "" : "s");
    else
        WARN_AT(r, node,
                "function '%.*s' is neither in this script nor in Rhai nor in the policy API",
                STR_ARG(name));
}

/* Where a path begins: the `a` of a.b[c]. */
static struct node *root_of(struct node *path)
{
    while (path->kind == NODE_PROPERTY || path->kind == NODE_INDEX)
        path = path->first;
    return path;
}

static void check_change(struct resolver *r, struct node *target)
{
    const struct node *root = root_of(target);

    if (root->kind == NODE_GLOBAL)
        ERROR_AT(r, root, "cannot change the constant '%.*s'", STR_ARG(root->symbol->text));
    if (root->kind != NODE_NAME)
        return;
    if (root->var && root->var->is_const)
        ERROR_AT(r, root, "cannot change the constant '%.*s'", STR_ARG(root->symbol->text));
    else if (!root->var && target == root)
        ERROR_AT(r, root, "'%.*s' is not declared; write let %.*s = …", STR_ARG(root->symbol->text),
                 STR_ARG(root->symbol->text));
}

static void resolve_assign(struct resolver *r, struct node *node)
{
    struct node *target = node->first;

    /* An undeclared target has its own message. */
    if (target->kind != NODE_NAME || target->symbol->top)
        resolve(r, target);
    resolve(r, node->last);
    check_change(r, target);
    if (target->kind == NODE_THIS ||
        (target->kind == NODE_INDEX && target->first->kind == NODE_THIS))
        r->function->assigns_this = true;
}

static void resolve_method(struct resolver *r, struct node *node)
{
    struct node *receiver = node->first;
    bool is_string_mutator = name_is_string_mutator(node->symbol->text);

    resolve_kids(r, node);
    if (!node_is_place(receiver))
        return;
    if (is_string_mutator && receiver->kind == NODE_THIS)
        r->function->assigns_this = true;
    if ((is_string_mutator || name_is_mutator(node->symbol->text)) &&
        !script_function(node->symbol, node_kids_count(node) - 1))
        check_change(r, receiver);
}

static void resolve_function(struct resolver *r, struct function *function)
{
    struct function *around = r->function;
    struct variable *before = open_scope(r);

    r->function = function;
    r->params += function->params_len;
    if (r->params > PARAMS_IN_CHAIN_MAX)
        ERROR_AT(r, function, "more than %d parameters in closures inside of one another",
                 PARAMS_IN_CHAIN_MAX);
    for (unsigned i = 0; i < function->params_len; i++)
        declare(r, function->params[i]);
    resolve(r, function->body);
    r->params -= function->params_len;
    r->function = around;
    close_scope(r, before);
}

static void resolve_for(struct resolver *r, struct node *node)
{
    resolve(r, node->first);
    struct variable *before = open_scope(r);
    declare(r, node->var);
    if (node->counter)
        declare(r, node->counter);
    resolve(r, node->last);
    close_scope(r, before);
}

/* The condition of do … while does not see what its block declares. */
static void resolve_block(struct resolver *r, struct node *node)
{
    struct variable *before = open_scope(r);

    resolve_kids(r, node);
    close_scope(r, before);
}

static void resolve(struct resolver *r, struct node *node)
{
    switch ((int)node->kind) {
    case NODE_NAME:
        resolve_name(r, node);
        break;
    case NODE_GLOBAL:
        resolve_global(r, node);
        break;
    case NODE_THIS:
        resolve_this(r, node);
        break;
    case NODE_CALL:
        resolve_call(r, node);
        break;
    case NODE_METHOD:
        resolve_method(r, node);
        break;
    case NODE_CLOSURE:
        resolve_function(r, node->function);
        break;
    case NODE_ASSIGN:
        resolve_assign(r, node);
        break;
    case NODE_LET:
        resolve_kids(r, node);
        declare(r, node->var);
        break;
    case NODE_FOR:
        resolve_for(r, node);
        break;
    case NODE_TRY:
        resolve(r, node->first);
        resolve_scoped(r, node->last, node->var);
        break;
    case NODE_BLOCK:
        resolve_block(r, node);
        break;
    case NODE_ARM:
        resolve_block(r, node);
        break;
    default:
        resolve_kids(r, node);
    }
}

void resolve_script(struct script *script)
{
    struct resolver r = { .script = script, .function = &script->main };

    /* Not as a block: what stands here is the script's own scope. */
    resolve_kids(&r, script->main.body);
    r.scopes = 1;
    close_scope(&r, NULL);
    for (struct function *function = script->functions; function; function = function->next)
        resolve_function(&r, function);
}
