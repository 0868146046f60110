/* Operators, and what follows a value: properties, methods, indexes. */
#include "rhai/names.h"
#include "rhai/parser.h"

enum { PRECEDENCE_LEFT_OF_ALL = 0 };

/* The Rhai book's table of operators; a higher number binds tighter. */
static const struct {
    uint8_t precedence; /* 0: no binary operator */
    uint8_t kind;       /* enum node_kind */
} binary[TOKEN_KIND_COUNT_] = {
    [TOKEN_LOGIC_OR] = { 30, NODE_LOGIC }, [TOKEN_BIT_OR] = { 30, NODE_BINARY },
    [TOKEN_BIT_XOR] = { 30, NODE_BINARY }, [TOKEN_LOGIC_AND] = { 60, NODE_LOGIC },
    [TOKEN_BIT_AND] = { 60, NODE_BINARY }, [TOKEN_EQ] = { 90, NODE_BINARY },
    [TOKEN_NE] = { 90, NODE_BINARY },      [TOKEN_IN] = { 110, NODE_IN },
    [TOKEN_NOT_IN] = { 110, NODE_IN },     [TOKEN_LT] = { 130, NODE_BINARY },
    [TOKEN_LE] = { 130, NODE_BINARY },     [TOKEN_GT] = { 130, NODE_BINARY },
    [TOKEN_GE] = { 130, NODE_BINARY },     [TOKEN_COALESCE] = { 135, NODE_COALESCE },
    [TOKEN_RANGE] = { 140, NODE_RANGE },   [TOKEN_RANGE_INCLUSIVE] = { 140, NODE_RANGE },
    [TOKEN_ADD] = { 150, NODE_BINARY },    [TOKEN_SUB] = { 150, NODE_BINARY },
    [TOKEN_MUL] = { 180, NODE_BINARY },    [TOKEN_DIV] = { 180, NODE_BINARY },
    [TOKEN_MOD] = { 180, NODE_BINARY },    [TOKEN_POW] = { 190, NODE_BINARY },
    [TOKEN_SHL] = { 210, NODE_BINARY },    [TOKEN_SHR] = { 210, NODE_BINARY },
};

void parse_arguments(struct parser *p, struct node *call, enum token_kind closing, const char *what)
{
    while (!p->is_bad && !parser_at(p, closing)) {
        parser_adopt(p, call, parse_expression(p));
        if (!parser_accept(p, TOKEN_COMMA))
            break;
    }
    if (!p->is_bad)
        (void)parser_expect(p, closing, what);
}

static void check_arguments(struct parser *p, const struct node *call)
{
    if (node_kids_count(call) > RHAI_ARGUMENTS_MAX)
        parser_error(p, call->line, call->column, "at most %d arguments; pass an array or a map",
                     RHAI_ARGUMENTS_MAX);
}

/* `name` '(' …: a method call when `object` is given. */
static struct node *parse_method(struct parser *p, struct node *object, const struct token *name,
                                 bool is_optional)
{
    struct node *call = parser_node(p, NODE_METHOD);
    const char *left_out = name_left_out_method(name->source);

    call->line = name->line;
    call->column = name->column;
    call->flags = is_optional ? FLAG_OPTIONAL : 0;
    if (left_out)
        parser_error(p, name->line, name->column, "%s", left_out);
    if (p->is_bad)
        return call;
    call->symbol = parser_symbol(p, name->source);
    p->script->mutates = p->script->mutates || name_is_mutator(name->source);
    parser_adopt(p, call, object);
    parse_arguments(p, call, TOKEN_RIGHT_PAREN, "',' or ')' after an argument");
    check_arguments(p, call);
    return call;
}

/* Any word may name a property: job.type, labels.default. */
static struct node *parse_member(struct parser *p, struct node *object, bool is_optional)
{
    struct token name = p->token;

    if (name.kind != TOKEN_NAME && (name.kind < TOKEN_RESERVED || name.kind > TOKEN_AS ||
                                    (name.kind > TOKEN_RESERVED && name.kind < TOKEN_TRUE))) {
        parser_expected(p, "the name of a property or method after '.'");
        return object;
    }
    parser_next(p);
    if (parser_at(p, TOKEN_NOT)) {
        parser_error(p, name.line, name.column, "calls with '!' are not supported; call '%.*s(…)'",
                     STR_ARG(name.source));
        return object;
    }
    if (parser_accept(p, TOKEN_LEFT_PAREN))
        return parse_method(p, object, &name, is_optional);
    struct node *node = parser_node(p, NODE_PROPERTY);
    node->line = name.line;
    node->column = name.column;
    node->text = name.source;
    node->flags = is_optional ? FLAG_OPTIONAL : 0;
    parser_adopt(p, node, object);
    return node;
}

static struct node *parse_index(struct parser *p, struct node *object, bool is_optional)
{
    struct node *node = parser_node_at(p, NODE_INDEX, object);

    node->flags = is_optional ? FLAG_OPTIONAL : 0;
    parser_adopt(p, node, object);
    parser_adopt(p, node, parse_expression(p));
    if (!p->is_bad)
        (void)parser_expect(p, TOKEN_RIGHT_BRACKET, "']' after the index");
    return node;
}

static struct node *parse_postfix(struct parser *p, struct node *node)
{
    while (!p->is_bad) {
        if (parser_accept(p, TOKEN_DOT))
            node = parse_member(p, node, false);
        else if (parser_accept(p, TOKEN_OPTIONAL_DOT))
            node = parse_member(p, node, true);
        else if (parser_accept(p, TOKEN_LEFT_BRACKET))
            node = parse_index(p, node, false);
        else if (parser_accept(p, TOKEN_OPTIONAL_BRACKET))
            node = parse_index(p, node, true);
        else
            break;
    }
    return node;
}

/* A number after a minus is a negative number before it is anything else: -1.abs() is 1. */
static void negate_literal(struct parser *p)
{
    struct token *token = &p->token;

    if (token->kind == TOKEN_FLOAT)
        token->real = -token->real;
    else if (token->is_unsigned)
        token->integer = INT64_MIN;
    else
        token->integer = (int64_t)(0 - (uint64_t)token->integer);
    token->is_unsigned = false;
}

static struct node *parse_unary(struct parser *p)
{
    enum token_kind op = p->token.kind;
    struct node *node;

    if (!parser_enter(p, 1))
        return parser_node(p, NODE_UNIT);
    if (op == TOKEN_SUB || op == TOKEN_ADD || op == TOKEN_NOT) {
        node = parser_node(p, NODE_UNARY);
        node->op = (uint8_t)op;
        parser_next(p);
        if (op == TOKEN_SUB && (parser_at(p, TOKEN_INT) || parser_at(p, TOKEN_FLOAT))) {
            negate_literal(p);
            node = parse_postfix(p, parse_primary(p));
        } else {
            parser_adopt(p, node, parse_unary(p));
        }
    } else {
        node = parse_postfix(p, parse_primary(p));
    }
    parser_leave(p, 1);
    return node;
}

static struct node *join(struct parser *p, const struct token *op, struct node *left,
                         struct node *right)
{
    uint8_t kind = binary[op->kind].kind;

    if (kind == NODE_LOGIC && left->kind == NODE_LOGIC && left->op == op->kind &&
        !(left->flags & FLAG_PAREN)) {
        parser_adopt(p, left, right);
        return left;
    }
    struct node *node = parser_node(p, (enum node_kind)kind);
    node->line = op->line;
    node->column = op->column;
    node->op = (uint8_t)op->kind;
    node->flags = op->kind == TOKEN_NOT_IN ? FLAG_NEGATED : 0;
    parser_adopt(p, node, left);
    parser_adopt(p, node, right);
    return node;
}

static struct node *parse_binary(struct parser *p, unsigned least)
{
    struct node *left = parse_unary(p);

    while (!p->is_bad) {
        struct token op = p->token;
        unsigned precedence = binary[op.kind].precedence;
        /* ** leans right, and so nests; all others lean left. */
        bool nests = op.kind == TOKEN_POW;
        if (precedence == 0 || precedence < least || !parser_enter(p, nests))
            break;
        parser_next(p);
        struct node *right = parse_binary(p, nests ? precedence : precedence + 1);
        parser_leave(p, nests);
        left = join(p, &op, left, right);
    }
    return left;
}

struct node *parse_expression(struct parser *p)
{
    return parse_binary(p, PRECEDENCE_LEFT_OF_ALL);
}

struct node *parse_case_value(struct parser *p)
{
    return parse_binary(p, binary[TOKEN_RANGE].precedence);
}
