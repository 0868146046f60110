/* if, switch and the loops. */
#include "rhai/parser.h"

/* A chain of else-ifs is one node: it may be as long as the script. */
struct node *parse_if(struct parser *p)
{
    struct node *node = parser_node(p, NODE_IF);

    parser_next(p);
    while (!p->is_bad) {
        parser_adopt(p, node, parse_expression(p));
        if (!p->is_bad)
            parser_adopt(p, node, parse_block(p));
        if (p->is_bad || !parser_accept(p, TOKEN_ELSE))
            break;
        if (parser_accept(p, TOKEN_IF))
            continue;
        if (!parser_at(p, TOKEN_LEFT_BRACE))
            parser_expected(p, "'if' or '{' after 'else'");
        else
            parser_adopt(p, node, parse_block(p));
        break;
    }
    return node;
}

static bool is_case(const struct node *node)
{
    if (node->kind == NODE_RANGE)
        return node->first->kind == NODE_INT && node->last->kind == NODE_INT;
    return node->kind <= NODE_STRING;
}

static struct node *parse_case(struct parser *p)
{
    struct node *node = parser_node(p, NODE_CASE);

    if (parser_accept(p, TOKEN_UNDERSCORE))
        return node;
    /* Looser operators than a range would eat the '|' between cases. */
    struct node *value = parse_case_value(p);
    if (!p->is_bad && !is_case(value))
        parser_error(p, value->line, value->column,
                     "a case is a literal or a range of integers; test others with '_ => if …'");
    parser_adopt(p, node, value);
    return node;
}

static bool is_default(const struct node *arm)
{
    return arm->first && arm->first->kind == NODE_CASE && !arm->first->first;
}

static struct node *parse_arm(struct parser *p)
{
    struct node *arm = parser_node(p, NODE_ARM);

    do
        parser_adopt(p, arm, parse_case(p));
    while (!p->is_bad && !is_default(arm) && parser_accept(p, TOKEN_BIT_OR));
    if (parser_at(p, TOKEN_IF) && is_default(arm))
        parser_error(p, p->token.line, p->token.column, "'_' takes no condition");
    if (!p->is_bad && parser_accept(p, TOKEN_IF)) {
        arm->flags |= FLAG_GUARDED;
        parser_adopt(p, arm, parse_expression(p));
    }
    if (p->is_bad || !parser_expect(p, TOKEN_ARROW, "'=>' after the cases"))
        return arm;
    parser_adopt(p, arm, parse_statement(p));
    return arm;
}

static bool ends_arm(struct parser *p, const struct node *arm)
{
    if (parser_accept(p, TOKEN_COMMA) || parser_at(p, TOKEN_RIGHT_BRACE))
        return true;
    return arm->last && arm->last->kind >= NODE_BLOCK && arm->last->kind <= NODE_TRY;
}

struct node *parse_switch(struct parser *p)
{
    struct node *node = parser_node(p, NODE_SWITCH);
    bool has_default = false;

    parser_next(p);
    parser_adopt(p, node, parse_expression(p));
    if (p->is_bad || !parser_expect(p, TOKEN_LEFT_BRACE, "'{' after the value of 'switch'") ||
        !parser_enter(p, 1))
        return node;
    while (!p->is_bad && !parser_at(p, TOKEN_RIGHT_BRACE)) {
        if (has_default) {
            parser_error(p, p->token.line, p->token.column, "'_' must be the last case");
            break;
        }
        struct node *arm = parse_arm(p);
        has_default = is_default(arm);
        parser_adopt(p, node, arm);
        if (!p->is_bad && !ends_arm(p, arm))
            parser_expected(p, "',' or '}' after an arm of 'switch'");
    }
    parser_leave(p, 1);
    if (!p->is_bad)
        (void)parser_expect(p, TOKEN_RIGHT_BRACE, "'}' to close 'switch'");
    return node;
}

static void parse_for_names(struct parser *p, struct node *node)
{
    bool has_counter = parser_accept(p, TOKEN_LEFT_PAREN);
    struct symbol *symbol = parser_declared_name(p, "a name for the items");

    node->var = parser_variable(p, symbol);
    if (p->is_bad || !has_counter)
        return;
    if (!parser_expect(p, TOKEN_COMMA, "',' before the name of the counter"))
        return;
    struct symbol *counter = parser_declared_name(p, "a name for the counter");
    if (counter && counter == symbol)
        parser_error(p, p->token.line, p->token.column, "item and counter need two names");
    node->counter = parser_variable(p, counter);
    if (!p->is_bad)
        (void)parser_expect(p, TOKEN_RIGHT_PAREN, "')' after the name of the counter");
}

static void parse_body(struct parser *p, struct node *loop)
{
    struct node *around = p->loop;

    if (p->is_bad)
        return;
    p->loop = loop;
    parser_adopt(p, loop, parse_block(p));
    p->loop = around;
}

static void parse_for(struct parser *p, struct node *node)
{
    parse_for_names(p, node);
    if (p->is_bad || !parser_expect(p, TOKEN_IN, "'in' after the name"))
        return;
    parser_adopt(p, node, parse_expression(p));
    parse_body(p, node);
}

static void parse_do(struct parser *p, struct node *node)
{
    parse_body(p, node);
    if (p->is_bad)
        return;
    if (parser_at(p, TOKEN_UNTIL))
        node->flags |= FLAG_NEGATED;
    else if (!parser_at(p, TOKEN_WHILE))
        parser_expected(p, "'while' or 'until' after the block of 'do'");
    parser_next(p);
    if (!p->is_bad)
        parser_adopt(p, node, parse_expression(p));
}

struct node *parse_loop(struct parser *p)
{
    enum token_kind kind = p->token.kind;
    struct node *node = parser_node(p, kind == TOKEN_WHILE  ? NODE_WHILE
                                       : kind == TOKEN_LOOP ? NODE_LOOP
                                       : kind == TOKEN_DO   ? NODE_DO
                                                            : NODE_FOR);

    parser_next(p);
    if (!parser_enter(p, 1))
        return node;
    if (kind == TOKEN_FOR)
        parse_for(p, node);
    else if (kind == TOKEN_DO)
        parse_do(p, node);
    else if (kind == TOKEN_WHILE)
        parser_adopt(p, node, parse_expression(p));
    if (kind == TOKEN_WHILE || kind == TOKEN_LOOP)
        parse_body(p, node);
    parser_leave(p, 1);
    return node;
}
