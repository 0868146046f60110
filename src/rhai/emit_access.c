/* What has a name: variables, properties, indexes, calls, and giving them values. */
#include "rhai/emitter.h"
#include "rhai/names.h"

#include "base/mem.h"

enum { TEXT_MAX = SCRIPT_LUA_BYTES_MAX };

/* clang-format off */
static const char *const updaters[TOKEN_KIND_COUNT_] = {
    [TOKEN_ADD] = "R.append",  [TOKEN_SUB] = "R.sub",     [TOKEN_MUL] = "R.mul",
    [TOKEN_DIV] = "R.div",     [TOKEN_MOD] = "R.mod",     [TOKEN_POW] = "R.pow",
    [TOKEN_SHL] = "R.shl",     [TOKEN_SHR] = "R.shr",     [TOKEN_BIT_AND] = "R.band",
    [TOKEN_BIT_OR] = "R.bor",  [TOKEN_BIT_XOR] = "R.bxor",
};
/* clang-format on */

static const char *quoted(struct emitter *e, struct str text)
{
    AUTO(buf_deinit) struct buf to = { 0 };

    buf_init(&to, TEXT_MAX);
    emit_string(&to, text);
    const char *copy = arena_copy(&e->script->arena, buf_str(&to));
    return copy ? copy : "\"\"";
}

static struct item lua_item(const char *lua)
{
    return (struct item){ .lua = lua };
}

/* A function by its name: of this many parameters, or by how many it is called with. */
static void emit_pointer(const struct symbol *symbol, struct buf *to)
{
    const struct function *function = symbol->functions;

    if (!function->same_name) {
        emit_function_name(to, function);
        return;
    }
    (void)buf_puts(to, "R.overload({");
    for (; function; function = function->same_name) {
        (void)buf_printf(to, "[%u] = ", function->params_len);
        emit_function_name(to, function);
        (void)buf_puts(to, function->same_name ? ", " : "})");
    }
}

void emit_name(struct emitter *e, const struct node *node, struct buf *to)
{
    if (node->kind == NODE_THIS) {
        emit_mark(to, node->line);
        (void)buf_puts(to, "R.this(self)");
    } else if (node->kind == NODE_GLOBAL) {
        emit_field(to, "C", node->symbol->text);
    } else if (node->var) {
        (void)buf_puts(to, node->var->lua ? node->var->lua : "nil");
    } else if (node->symbol->functions) {
        emit_pointer(node->symbol, to);
    } else {
        emit_mark(to, node->line);
        (void)buf_printf(to, "R.global(G, %s)", quoted(e, node->symbol->text));
    }
}

void emit_property(struct emitter *e, struct node *node, struct buf *to)
{
    struct item items[] = { { .node = node->first }, lua_item(quoted(e, node->text)) };

    if (measure_first_optional(node))
        emit_optional(e, node, to);
    else
        emit_call(e, node, "R.get", items, 2, to);
}

void emit_index(struct emitter *e, struct node *node, struct buf *to)
{
    struct item items[] = { { .node = node->first }, { .node = node->last } };

    if (measure_first_optional(node))
        emit_optional(e, node, to);
    else
        emit_call(e, node, "R.index", items, 2, to);
}

void emit_function_call(struct emitter *e, struct node *node, struct buf *to)
{
    size_t count = node_kids_count(node), len;
    const struct function *function = script_function(node->symbol, count);
    bool is_keeper = function || name_is_mutator(node->symbol->text);
    struct item *items = emit_kids(e, node->first, is_keeper ? ITEM_COPY : ITEM_VALUE, 2, &len);
    AUTO(buf_deinit) struct buf name = { 0 };

    if (len == 0)
        return;
    buf_init(&name, TEXT_MAX);
    if (function)
        emit_function_name(&name, function);
    if (function && !function->uses_this) {
        emit_call(e, node, buf_cstr(&name), items + 2, len - 2, to);
    } else if (function) {
        items[1] = lua_item(buf_cstr(&name));
        emit_call(e, node, "R.call_unbound", items + 1, len - 1, to);
    } else {
        if (is_keeper && count > 0) /* push(list, x) changes the list itself */
            items[2].mode = ITEM_VALUE;
        items[0] = lua_item("G");
        items[1] = lua_item(quoted(e, node->symbol->text));
        emit_call(e, node, "R.call_host", items, len, to);
    }
}

/* x.f(…) that gives x another value: x, result = R.mutate(x, "f", …). Without `to` nobody
 * asks for the result. */
static void emit_mutation(struct emitter *e, struct node *node, struct item *items, size_t len,
                          struct buf *to)
{
    AUTO(buf_deinit) struct buf text = { 0 };
    const struct node *receiver = node->first;
    const char *target = receiver->kind == NODE_THIS ? "self" : receiver->var->lua;

    buf_init(&text, TEXT_MAX);
    emit_call(e, node, "R.mutate", items, len, &text);
    if (!to) {
        emit_line(e, "%s = %s", target, buf_cstr(&text));
        return;
    }
    const char *result = emit_temporary(e, NULL);
    emit_line(e, "%s, %s = %s", target, result, buf_cstr(&text));
    (void)buf_puts(to, result);
}

/* obj.key.f(…) or obj[key].f(…), where f may give obj.key another string. */
static void emit_mutation_at(struct emitter *e, struct node *node, struct item *items, size_t len,
                             struct buf *to)
{
    struct node *place = node->first;
    struct item *all = arena_alloc(&e->script->arena, (len + 1) * sizeof(*all));

    if (!all)
        return;
    all[0].node = place->first;
    all[1] = place->kind == NODE_PROPERTY ? lua_item(quoted(e, place->text))
                                          : (struct item){ .node = place->last };
    memcpy(all + 2, items + 1, (len - 1) * sizeof(*all));
    emit_call(e, node, "R.mutate_at", all, len + 1, to);
}

static bool is_path(const struct node *node)
{
    return (node->kind == NODE_PROPERTY || node->kind == NODE_INDEX) &&
           !(node->flags & FLAG_OPTIONAL);
}

void emit_method(struct emitter *e, struct node *node, struct buf *to)
{
    enum { RECEIVER, NAME, FUNCTION, ARGUMENTS };
    struct node *receiver = node->first;
    const struct function *function = script_function(node->symbol, node_kids_count(node) - 1);
    bool is_predicate = name_is_predicate_taker(node->symbol->text) && !function;
    AUTO(buf_deinit) struct buf name = { 0 };
    size_t len;

    if (measure_first_optional(node)) {
        emit_optional(e, node, to);
        return;
    }
    bool is_keeper = function || !name_is_known_function(node->symbol->text) ||
                     name_is_mutator(node->symbol->text) || str_eq(node->symbol->text, "call");
    struct item *items =
        emit_kids(e, receiver->next, is_keeper ? ITEM_COPY : ITEM_VALUE, ARGUMENTS, &len);
    if (len == 0)
        return;
    if (is_predicate && len > ARGUMENTS)
        items[ARGUMENTS].mode = ITEM_PREDICATE;
    buf_init(&name, TEXT_MAX);
    if (function)
        emit_function_name(&name, function);
    items[RECEIVER].node = receiver;
    items[NAME] = lua_item(quoted(e, node->symbol->text));
    items[FUNCTION] = lua_item(function ? buf_cstr(&name) : "nil");
    if (measure_reassigns(node, function)) {
        emit_mutation(e, node, items, len, to);
    } else if (is_path(receiver) &&
               (function ? function->assigns_this : name_is_string_mutator(node->symbol->text))) {
        emit_mutation_at(e, node, items, len, to);
    } else if (function) {
        emit_call(e, node, "R.call_own", items, len, to);
    } else {
        items[FUNCTION] = items[NAME];
        items[NAME] = items[RECEIVER];
        emit_call(e, node, "R.call", items + 1, len - 1, to);
    }
}

/* a?.b.c: () ends the chain where it is met. */
void emit_optional(struct emitter *e, struct node *node, struct buf *to)
{
    AUTO(buf_deinit) struct buf text = { 0 };
    struct node *link = measure_first_optional(node);
    struct node *known = node_new(e->script, NODE_LUA, link->line, link->column);

    if (!known)
        return;
    buf_init(&text, TEXT_MAX);
    emit_value(e, link->first, ITEM_VALUE, &text);
    const char *name = emit_temporary(e, buf_cstr(&text));
    unsigned locals = e->locals;
    known->text = str_of(name);
    known->next = link->first->next;
    known->registers = 1;
    link->first = known;
    link->flags &= (uint16_t)~FLAG_OPTIONAL;

    emit_line(e, "if %s ~= nil then", name);
    e->indent++;
    buf_clear(&text);
    emit_value(e, node, ITEM_VALUE, &text);
    emit_line(e, "%s = %s", name, buf_cstr(&text));
    e->indent--;
    emit_line(e, "end");
    e->locals = locals;
    (void)buf_puts(to, name);
}

static void put_statement(struct emitter *e, const struct node *node, const char *target,
                          struct buf *text)
{
    emit_begin_line(e);
    emit_mark(e->out, node->line);
    if (target)
        (void)buf_printf(e->out, "%s = ", target);
    (void)buf_add(e->out, text->p, text->len);
    (void)buf_putc(e->out, '\n');
}

static const char *variable_of(const struct node *node)
{
    if (node->kind == NODE_THIS)
        return "self";
    return node->kind == NODE_NAME && node->var ? node->var->lua : NULL;
}

static void assign_variable(struct emitter *e, struct node *node, struct buf *text)
{
    struct node *target = node->first;
    struct item items[] = { { .node = target }, { .node = node->last } };

    if (node->op == TOKEN_ASSIGN)
        emit_value(e, node->last, ITEM_COPY, text);
    else
        emit_call(e, node, updaters[node->op], items, 2, text);
    put_statement(e, node, variable_of(target), text);
}

/* "R.set" becomes R.update(…, R.add, …) for `+=`. */
static void assign_path(struct emitter *e, struct node *node, struct item *items, size_t len,
                        const char *set, const char *update, const char *target, struct buf *text)
{
    bool is_plain = node->op == TOKEN_ASSIGN;

    if (!is_plain)
        items[len++] = lua_item(updaters[node->op]);
    items[len++] = (struct item){ .node = node->last, .mode = ITEM_COPY };
    emit_call(e, node, is_plain ? set : update, items, len, text);
    put_statement(e, node, target, text);
}

static void assign_property(struct emitter *e, struct node *node, struct buf *text)
{
    struct node *target = node->first;
    struct item items[4] = { { .node = target->first }, lua_item(quoted(e, target->text)) };

    assign_path(e, node, items, 2, "R.set", "R.update", NULL, text);
}

/* A character of a string is set by giving its place another string. */
static void assign_index(struct emitter *e, struct node *node, struct buf *text)
{
    struct node *target = node->first, *object = target->first;
    struct item items[5] = { { .node = object }, { .node = target->last } };

    if (!is_path(object)) {
        assign_path(e, node, items, 2, "R.set_index", "R.update_index", variable_of(object), text);
        return;
    }
    items[0].node = object->first;
    items[1] = object->kind == NODE_PROPERTY ? lua_item(quoted(e, object->text))
                                             : (struct item){ .node = object->last };
    items[2] = (struct item){ .node = target->last };
    assign_path(e, node, items, 3, "R.set_at", "R.update_at", NULL, text);
}

void emit_assign(struct emitter *e, struct node *node)
{
    AUTO(buf_deinit) struct buf text = { 0 };

    buf_init(&text, TEXT_MAX);
    if (node->first->kind == NODE_PROPERTY)
        assign_property(e, node, &text);
    else if (node->first->kind == NODE_INDEX)
        assign_index(e, node, &text);
    else
        assign_variable(e, node, &text);
}
