/* Values that need no operator: literals, names, calls, closures, collections. */
#include "rhai/names.h"
#include "rhai/parser.h"

static struct node *parse_literal(struct parser *p, enum node_kind kind)
{
    struct node *node = parser_node(p, kind);
    const struct token *token = &p->token;

    if (token->is_unsigned)
        parser_error(p, token->line, token->column,
                     "this number does not fit an i64; the largest is 9223372036854775807");
    if (kind == NODE_FLOAT)
        node->real = token->real;
    else
        node->integer = kind == NODE_BOOL ? token->kind == TOKEN_TRUE : token->integer;
    node->text = token->text;
    parser_next(p);
    return node;
}

/* ${…}: a value, or statements whose last one is the value. */
static struct node *parse_embedded(struct parser *p)
{
    struct node *block = parser_node(p, NODE_BLOCK);

    if (!parser_enter(p, 1))
        return block;
    parse_statements(p, block);
    parser_leave(p, 1);
    if (!parser_at(p, TOKEN_RIGHT_BRACE))
        parser_expected(p, "'}' to close ${");
    bool is_value = block->first && !block->first->next && block->first->kind < NODE_BLOCK;
    return is_value ? block->first : block;
}

static struct node *parse_template(struct parser *p)
{
    if (!p->token.continues)
        return parse_literal(p, NODE_STRING);

    struct node *template = parser_node(p, NODE_TEMPLATE);
    while (!p->is_bad) {
        struct node *piece = parser_node(p, NODE_STRING);
        bool continues = p->token.continues;
        piece->text = p->token.text;
        if (piece->text.len > 0)
            parser_adopt(p, template, piece);
        parser_next(p);
        if (!continues)
            break;
        parser_adopt(p, template, parse_embedded(p));
        if (p->is_bad)
            break;
        lexer_next_piece(&p->lexer, &p->token);
        if (!parser_at(p, TOKEN_TEMPLATE))
            parser_expected(p, "the rest of the string");
    }
    return template;
}

static struct node *parse_array(struct parser *p)
{
    struct node *array = parser_node(p, NODE_ARRAY);

    parser_next(p);
    parse_arguments(p, array, TOKEN_RIGHT_BRACKET, "',' or ']' after an item of the array");
    return array;
}

static bool is_key(const struct token *token)
{
    return token->kind == TOKEN_NAME || token->kind == TOKEN_STRING ||
           token->kind == TOKEN_RESERVED || (token->kind >= TOKEN_TRUE && token->kind <= TOKEN_AS);
}

static bool has_key(const struct node *map, struct str key)
{
    for (const struct node *entry = map->first; entry; entry = entry->next) {
        if (entry->text.len == key.len && memcmp(entry->text.p, key.p, key.len) == 0)
            return true;
    }
    return false;
}

static void parse_entry(struct parser *p, struct node *map)
{
    struct node *entry = parser_node(p, NODE_ENTRY);

    if (!is_key(&p->token)) {
        parser_expected(p, "the name of a property, or '}' to close the map");
        return;
    }
    entry->text = p->token.kind == TOKEN_STRING ? p->token.text : p->token.source;
    if (node_kids_count(map) < RHAI_ARGUMENTS_MAX && has_key(map, entry->text))
        parser_error(p, entry->line, entry->column, "'%.*s' is in this map twice",
                     STR_ARG(entry->text));
    parser_next(p);
    if (!parser_expect(p, TOKEN_COLON, "':' after the name of a property"))
        return;
    parser_adopt(p, entry, parse_expression(p));
    parser_adopt(p, map, entry);
}

static struct node *parse_map(struct parser *p)
{
    struct node *map = parser_node(p, NODE_MAP);

    parser_next(p);
    while (!p->is_bad && !parser_at(p, TOKEN_RIGHT_BRACE)) {
        parse_entry(p, map);
        if (!parser_accept(p, TOKEN_COMMA))
            break;
    }
    if (!p->is_bad)
        (void)parser_expect(p, TOKEN_RIGHT_BRACE, "',' or '}' after a property of the map");
    return map;
}

/* Four Lua levels stand for a closure, so it counts for more than one here. */
static struct node *parse_closure(struct parser *p)
{
    enum { LEVELS = 2 };
    struct node *node = parser_node(p, NODE_CLOSURE);
    struct function *around = p->function, *function = parser_function(p);
    struct node *loop = p->loop;
    bool has_params = parser_at(p, TOKEN_BIT_OR);

    parser_next(p);
    if (!function || !parser_enter(p, LEVELS))
        return node;
    function->up = around;
    p->function = function;
    p->loop = NULL;
    node->function = function;
    if (!has_params || parse_params(p, function, TOKEN_BIT_OR)) {
        function->body = parse_statement(p);
        if (!p->is_bad)
            node->height = (uint16_t)(function->body->height + 1);
    }
    p->function = around;
    p->loop = loop;
    parser_leave(p, LEVELS);
    return node;
}

static struct node *parse_global(struct parser *p)
{
    struct node *node = parser_node(p, NODE_GLOBAL);

    parser_next(p);
    if (!parser_expect(p, TOKEN_DOUBLE_COLON, "'::' after 'global'"))
        return node;
    if (!parser_at(p, TOKEN_NAME)) {
        parser_expected(p, "the name of a constant after 'global::'");
        return node;
    }
    node->symbol = parser_symbol(p, p->token.text);
    parser_next(p);
    if (parser_at(p, TOKEN_LEFT_PAREN))
        parser_error(p, node->line, node->column,
                     "'global::' reaches constants only; call the function by its name");
    return node;
}

static struct node *parse_name(struct parser *p)
{
    struct token name = p->token;
    struct node *node = parser_node(p, NODE_NAME);

    node->symbol = parser_symbol(p, name.text);
    parser_next(p);
    if (parser_at(p, TOKEN_DOUBLE_COLON))
        parser_error(p, name.line, name.column,
                     "modules are not supported; only global::NAME of a constant is");
    else if (parser_at(p, TOKEN_NOT))
        parser_error(p, name.line, name.column, "calls with '!' are not supported; call %.*s(…)",
                     STR_ARG(name.text));
    if (p->is_bad || !parser_accept(p, TOKEN_LEFT_PAREN))
        return node;

    const char *hint = name_left_out(name.text);
    if (hint)
        parser_error(p, name.line, name.column, "%s", hint);
    node->kind = NODE_CALL;
    p->script->mutates = p->script->mutates || name_is_mutator(name.text);
    parse_arguments(p, node, TOKEN_RIGHT_PAREN, "',' or ')' after an argument");
    if (node_kids_count(node) > RHAI_ARGUMENTS_MAX)
        parser_error(p, name.line, name.column, "at most %d arguments; pass an array or a map",
                     RHAI_ARGUMENTS_MAX);
    return node;
}

static struct node *parse_paren(struct parser *p)
{
    struct node *unit = parser_node(p, NODE_UNIT);

    parser_next(p);
    if (parser_accept(p, TOKEN_RIGHT_PAREN))
        return unit;
    struct node *node = parse_expression(p);
    if (!p->is_bad && parser_expect(p, TOKEN_RIGHT_PAREN, "')' after the expression"))
        node->flags |= FLAG_PAREN;
    return node;
}

static struct node *parse_this(struct parser *p)
{
    struct node *node = parser_node(p, NODE_THIS);

    parser_next(p);
    return node;
}

static struct node *refuse(struct parser *p)
{
    struct node *node = parser_node(p, NODE_UNIT);

    if (parser_at(p, TOKEN_RESERVED))
        parser_error(p, p->token.line, p->token.column, "'%.*s' is a reserved word",
                     STR_ARG(p->token.source));
    else
        parser_expected(p, "a value");
    return node;
}

struct node *parse_primary(struct parser *p)
{
    switch ((int)p->token.kind) {
    case TOKEN_INT:
        return parse_literal(p, NODE_INT);
    case TOKEN_FLOAT:
        return parse_literal(p, NODE_FLOAT);
    case TOKEN_TRUE:
    case TOKEN_FALSE:
        return parse_literal(p, NODE_BOOL);
    case TOKEN_STRING:
        return parse_literal(p, NODE_STRING);
    case TOKEN_TEMPLATE:
        return parse_template(p);
    case TOKEN_NAME:
        return parse_name(p);
    case TOKEN_THIS:
        return parse_this(p);
    case TOKEN_GLOBAL:
        return parse_global(p);
    case TOKEN_LEFT_PAREN:
        return parse_paren(p);
    case TOKEN_LEFT_BRACKET:
        return parse_array(p);
    case TOKEN_MAP_BRACE:
        return parse_map(p);
    case TOKEN_BIT_OR:
    case TOKEN_LOGIC_OR:
        return parse_closure(p);
    case TOKEN_LEFT_BRACE:
        return parse_block(p);
    case TOKEN_IF:
        return parse_if(p);
    case TOKEN_SWITCH:
        return parse_switch(p);
    case TOKEN_WHILE:
    case TOKEN_LOOP:
    case TOKEN_DO:
    case TOKEN_FOR:
        return parse_loop(p);
    default:
        return refuse(p);
    }
}
