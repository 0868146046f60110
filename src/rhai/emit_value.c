/* Values: operators, literals, collections. */
#include "rhai/emitter.h"
#include "rhai/names.h"

#include "base/mem.h"

enum { TEXT_MAX = SCRIPT_LUA_BYTES_MAX };

/* clang-format off */
static const char *const operators[TOKEN_KIND_COUNT_] = {
    [TOKEN_ADD] = "R.add",     [TOKEN_SUB] = "R.sub",     [TOKEN_MUL] = "R.mul",
    [TOKEN_DIV] = "R.div",     [TOKEN_MOD] = "R.mod",     [TOKEN_POW] = "R.pow",
    [TOKEN_SHL] = "R.shl",     [TOKEN_SHR] = "R.shr",     [TOKEN_BIT_AND] = "R.band",
    [TOKEN_BIT_OR] = "R.bor",  [TOKEN_BIT_XOR] = "R.bxor", [TOKEN_EQ] = "R.eq",
    [TOKEN_NE] = "R.ne",       [TOKEN_LT] = "R.lt",       [TOKEN_LE] = "R.le",
    [TOKEN_GT] = "R.gt",       [TOKEN_GE] = "R.ge",
};
/* clang-format on */

static bool is_scalar(const struct node *node)
{
    return node->kind <= NODE_STRING;
}

/* == with a literal is Lua's own: no array or map can be equal to it. */
static bool is_native(const struct node *node)
{
    return node->kind == NODE_BINARY && (node->op == TOKEN_EQ || node->op == TOKEN_NE) &&
           (is_scalar(node->first) || is_scalar(node->last));
}

bool emit_is_operator(const struct node *node)
{
    return node->kind == NODE_LOGIC || (node->kind == NODE_IN && node->flags & FLAG_NEGATED) ||
           (node->kind == NODE_UNARY && node->op == TOKEN_NOT) || is_native(node);
}

static bool is_known_predicate(const struct node *node)
{
    if (node->kind != NODE_CLOSURE)
        return node->kind == NODE_STRING;
    const struct node *body = node->function->body;
    while (body->kind == NODE_BLOCK && body->first && !body->first->next)
        body = body->first;
    return measure_is_bool(body);
}

static void emit_raw(struct emitter *e, struct node *node, struct buf *to);

static void wrap(struct emitter *e, const char *function, struct node *node, struct buf *to)
{
    emit_mark(to, node->line);
    (void)buf_printf(to, "%s(", function);
    emit_raw(e, node, to);
    (void)buf_putc(to, ')');
}

void emit_value(struct emitter *e, struct node *node, unsigned mode, struct buf *to)
{
    bool keeps_nil = mode & ITEM_KEPT && node->kind != NODE_CLOSURE &&
                     (node->kind == NODE_UNIT || node->kind > NODE_MAP);
    bool is_tight = (mode & ITEM_TIGHT && emit_is_operator(node)) ||
                    (mode & ITEM_OPERAND && node->kind == NODE_LOGIC);

    if (keeps_nil)
        (void)buf_puts(to, "R.kept(");
    if (is_tight)
        (void)buf_putc(to, '(');
    if (mode & ITEM_BOOL && !measure_is_bool(node))
        wrap(e, "R.bool", node, to);
    else if (mode & ITEM_COPY && e->script->mutates && node_is_place(node))
        wrap(e, "R.copy", node, to);
    else if (mode & ITEM_PREDICATE && !is_known_predicate(node))
        wrap(e, "R.predicate", node, to);
    else
        emit_raw(e, node, to);
    if (is_tight)
        (void)buf_putc(to, ')');
    if (keeps_nil)
        (void)buf_putc(to, ')');
}

/* Worked out into a variable, so that what follows comes after it. */
static void keep_item(struct emitter *e, struct item *item)
{
    AUTO(buf_deinit) struct buf text = { 0 };

    buf_init(&text, TEXT_MAX);
    emit_value(e, item->node, item->mode & ~(unsigned)(ITEM_TIGHT | ITEM_OPERAND), &text);
    item->lua = emit_temporary(e, buf_cstr(&text));
    item->node = NULL;
}

/* Operands are worked out in the order of the script: before one that needs statements all
 * earlier ones are. */
void emit_items(struct emitter *e, struct item *items, size_t len, const char *separator,
                struct buf *to)
{
    size_t last = 0;

    for (size_t i = 0; i < len; i++) {
        if (items[i].node &&
            (measure_has_statements(items[i].node) || measure_is_big(items[i].node)))
            last = i;
    }
    for (size_t i = 0; i <= last && i < len; i++) {
        struct node *node = items[i].node;
        if (node && (measure_is_big(node) || (i < last && !measure_is_constant(node))))
            keep_item(e, &items[i]);
    }
    for (size_t i = 0; i < len; i++) {
        if (i > 0)
            (void)buf_puts(to, separator);
        (void)buf_add(to, items[i].prefix.p, items[i].prefix.len);
        if (items[i].node)
            emit_value(e, items[i].node, items[i].mode, to);
        else
            (void)buf_puts(to, items[i].lua);
    }
}

void emit_call(struct emitter *e, const struct node *place, const char *function,
               struct item *items, size_t len, struct buf *to)
{
    emit_mark(to, place->line);
    (void)buf_printf(to, "%s(", function);
    emit_items(e, items, len, ", ", to);
    (void)buf_putc(to, ')');
}

struct item *emit_kids(struct emitter *e, struct node *first, unsigned mode, size_t before,
                       size_t *ret_len)
{
    size_t len = before, i = before;

    for (struct node *kid = first; kid; kid = kid->next)
        len++;
    struct item *items = arena_alloc(&e->script->arena, len * sizeof(*items));
    *ret_len = items ? len : 0;
    for (struct node *kid = first; kid && items; kid = kid->next)
        items[i++] = (struct item){ .node = kid, .mode = mode };
    return items;
}

static void emit_binary(struct emitter *e, struct node *node, struct buf *to)
{
    struct item items[] = { { .node = node->first }, { .node = node->last } };

    if (!is_native(node)) {
        emit_call(e, node, operators[node->op], items, 2, to);
        return;
    }
    items[0].mode = items[1].mode = ITEM_TIGHT;
    emit_items(e, items, 2, node->op == TOKEN_EQ ? " == " : " ~= ", to);
}

static void emit_unary(struct emitter *e, struct node *node, struct buf *to)
{
    struct item item = { .node = node->first };

    if (node->op == TOKEN_NOT) {
        item.mode = ITEM_BOOL | ITEM_TIGHT;
        item.prefix = str_of("not ");
        emit_items(e, &item, 1, "", to);
    } else {
        emit_call(e, node, node->op == TOKEN_SUB ? "R.neg" : "R.plus", &item, 1, to);
    }
}

static void assign(struct emitter *e, const char *name, struct node *node, unsigned mode)
{
    AUTO(buf_deinit) struct buf text = { 0 };

    buf_init(&text, TEXT_MAX);
    emit_value(e, node, mode, &text);
    emit_line(e, "%s = %s", name, buf_cstr(&text));
}

/* A variable with the first of several values that it may get. */
static const char *begin(struct emitter *e, struct node *node, unsigned mode)
{
    AUTO(buf_deinit) struct buf text = { 0 };

    buf_init(&text, TEXT_MAX);
    emit_value(e, node, mode, &text);
    return emit_temporary(e, buf_cstr(&text));
}

/* Operands that need statements are worked out only when it comes to them. */
static void emit_logic_steps(struct emitter *e, struct node *node, struct buf *to)
{
    const char *negation = node->op == TOKEN_LOGIC_AND ? "" : "not ";
    const char *name = begin(e, node->first, ITEM_BOOL);
    unsigned locals = e->locals;

    for (struct node *kid = node->first->next; kid; kid = kid->next) {
        emit_line(e, "if %s%s then", negation, name);
        e->indent++;
        assign(e, name, kid, ITEM_BOOL);
        e->indent--;
        emit_line(e, "end");
        e->locals = locals;
    }
    (void)buf_puts(to, name);
}

static void emit_logic(struct emitter *e, struct node *node, struct buf *to)
{
    size_t len;
    bool has_steps = false;

    for (const struct node *kid = node->first->next; kid; kid = kid->next)
        has_steps = has_steps || measure_has_statements(kid) || measure_is_big(kid);
    if (has_steps) {
        emit_logic_steps(e, node, to);
        return;
    }
    struct item *items = emit_kids(e, node->first, ITEM_BOOL | ITEM_OPERAND, 0, &len);
    emit_items(e, items, len, node->op == TOKEN_LOGIC_AND ? " and " : " or ", to);
}

static bool is_simple(const struct node *node)
{
    return is_scalar(node) || (node->kind == NODE_NAME && node->var);
}

static void emit_coalesce(struct emitter *e, struct node *node, struct buf *to)
{
    struct item items[] = { { .node = node->first }, { .node = node->last } };

    if (is_simple(node->last)) {
        emit_call(e, node, "R.default", items, 2, to);
        return;
    }
    const char *name = begin(e, node->first, ITEM_VALUE);
    unsigned locals = e->locals;
    emit_line(e, "if %s == nil then", name);
    e->indent++;
    assign(e, name, node->last, ITEM_VALUE);
    e->indent--;
    emit_line(e, "end");
    e->locals = locals;
    (void)buf_puts(to, name);
}

static void emit_pair(struct emitter *e, struct node *node, const char *function, struct buf *to)
{
    struct item items[] = { { .node = node->first }, { .node = node->last } };

    emit_call(e, node, function, items, 2, to);
}

static void emit_in(struct emitter *e, struct node *node, struct buf *to)
{
    AUTO(buf_deinit) struct buf text = { 0 };

    buf_init(&text, TEXT_MAX);
    emit_pair(e, node, "R.is_in", &text);
    if (node->flags & FLAG_NEGATED)
        (void)buf_puts(to, "not ");
    (void)buf_add(to, text.p, text.len);
}

static void emit_template(struct emitter *e, struct node *node, struct buf *to)
{
    size_t len;
    struct item *items = emit_kids(e, node->first, ITEM_VALUE, 0, &len);

    if (len <= INLINE_KIDS_MAX) {
        emit_call(e, node, "R.text", items, len, to);
        return;
    }
    emit_mark(to, node->line);
    (void)buf_printf(to, "R.join(%zu, {", len);
    emit_items(e, items, len, ", ", to);
    (void)buf_puts(to, "})");
}

/* [0] holds the length: an array may hold (), which is nil in Lua. */
static void emit_array(struct emitter *e, struct node *node, struct buf *to)
{
    AUTO(buf_deinit) struct buf text = { 0 };
    size_t len;
    struct item *items = emit_kids(e, node->first, ITEM_COPY, 0, &len);

    buf_init(&text, TEXT_MAX);
    emit_items(e, items, len, ", ", &text);
    (void)buf_printf(to, "{[0] = %zu%s", len, len > 0 ? ", " : "");
    (void)buf_add(to, text.p, text.len);
    (void)buf_putc(to, '}');
}

static void emit_map(struct emitter *e, struct node *node, struct buf *to)
{
    AUTO(buf_deinit) struct buf keys = { 0 }, text = { 0 };
    size_t len;
    struct item *items = emit_kids(e, node->first, ITEM_COPY | ITEM_KEPT, 0, &len);

    buf_init(&text, TEXT_MAX);
    for (size_t i = 0; i < len; i++) {
        struct node *entry = items[i].node;
        buf_init(&keys, TEXT_MAX);
        emit_field(&keys, "", entry->text);
        (void)buf_puts(&keys, " = ");
        const char *copy = arena_copy(&e->script->arena, buf_str(&keys));
        items[i].prefix = str_of(copy ? copy : "");
        items[i].node = entry->first;
        buf_deinit(&keys);
    }
    emit_items(e, items, len, ", ", &text);
    (void)buf_printf(to, "{[0] = \"map\"%s", len > 0 ? ", " : "");
    (void)buf_add(to, text.p, text.len);
    (void)buf_putc(to, '}');
}

/* Blocks, ifs and loops as values. */
static void emit_temporary_value(struct emitter *e, struct node *node, struct buf *to)
{
    const char *name = emit_temporary(e, NULL);

    emit_statement(e, node, (struct dest){ DEST_VARIABLE, name });
    (void)buf_puts(to, name);
}

static void emit_raw(struct emitter *e, struct node *node, struct buf *to)
{
    if (node->kind >= NODE_BLOCK) {
        emit_temporary_value(e, node, to);
        return;
    }
    switch ((int)node->kind) {
    case NODE_TEMPLATE:
        emit_template(e, node, to);
        break;
    case NODE_ARRAY:
        emit_array(e, node, to);
        break;
    case NODE_MAP:
        emit_map(e, node, to);
        break;
    case NODE_NAME:
    case NODE_GLOBAL:
    case NODE_THIS:
        emit_name(e, node, to);
        break;
    case NODE_CLOSURE:
        emit_closure(e, node->function, to);
        break;
    case NODE_CALL:
        emit_function_call(e, node, to);
        break;
    case NODE_METHOD:
        emit_method(e, node, to);
        break;
    case NODE_PROPERTY:
        emit_property(e, node, to);
        break;
    case NODE_INDEX:
        emit_index(e, node, to);
        break;
    case NODE_UNARY:
        emit_unary(e, node, to);
        break;
    case NODE_BINARY:
        emit_binary(e, node, to);
        break;
    case NODE_LOGIC:
        emit_logic(e, node, to);
        break;
    case NODE_COALESCE:
        emit_coalesce(e, node, to);
        break;
    case NODE_RANGE:
        emit_pair(e, node, node->op == TOKEN_RANGE ? "R.range" : "R.range_inclusive", to);
        break;
    case NODE_IN:
        emit_in(e, node, to);
        break;
    case NODE_LUA:
        (void)buf_add(to, node->text.p, node->text.len);
        break;
    default:
        emit_literal(to, node);
    }
}
