/* Statements and blocks, and the script as a whole. */
#include "rhai/names.h"
#include "rhai/parse.h"
#include "rhai/parser.h"

static bool ends_statement(const struct parser *p)
{
    return parser_at(p, TOKEN_SEMICOLON) || parser_at(p, TOKEN_RIGHT_BRACE) ||
           parser_at(p, TOKEN_END) || parser_at(p, TOKEN_COMMA) ||
           parser_at(p, TOKEN_RIGHT_PAREN) || parser_at(p, TOKEN_RIGHT_BRACKET);
}

static struct node *parse_let(struct parser *p)
{
    struct node *node = parser_node(p, NODE_LET);
    bool is_const = parser_at(p, TOKEN_CONST);

    parser_next(p);
    node->flags = is_const ? FLAG_CONST : 0;
    struct symbol *symbol = parser_declared_name(p, "the name of a variable");
    if (!symbol || !(node->var = parser_variable(p, symbol)))
        return node;
    node->var->is_const = is_const;
    if (parser_accept(p, TOKEN_ASSIGN))
        parser_adopt(p, node, parse_expression(p));
    else if (!ends_statement(p))
        parser_expected(p, "'=' or ';' after the name of a variable");
    return node;
}

/* return, break and throw, with or without a value. */
static struct node *parse_leaving(struct parser *p, enum node_kind kind)
{
    struct node *node = parser_node(p, kind);

    if (kind == NODE_BREAK && !p->loop)
        parser_error(p, p->token.line, p->token.column, "'break' outside of a loop");
    parser_next(p);
    if (!p->is_bad && !ends_statement(p))
        parser_adopt(p, node, parse_expression(p));
    return node;
}

static struct node *parse_continue(struct parser *p)
{
    struct node *node = parser_node(p, NODE_CONTINUE);

    if (p->loop)
        p->loop->flags |= FLAG_CONTINUES;
    else
        parser_error(p, p->token.line, p->token.column, "'continue' outside of a loop");
    parser_next(p);
    return node;
}

static struct node *parse_try(struct parser *p)
{
    struct node *node = parser_node(p, NODE_TRY);

    parser_next(p);
    parser_adopt(p, node, parse_block(p));
    if (p->is_bad || !parser_expect(p, TOKEN_CATCH, "'catch' after the block of 'try'"))
        return node;
    if (parser_accept(p, TOKEN_LEFT_PAREN)) {
        struct symbol *symbol = parser_declared_name(p, "a name for what is caught");
        node->var = parser_variable(p, symbol);
        if (!p->is_bad)
            (void)parser_expect(p, TOKEN_RIGHT_PAREN, "')' after the name");
    }
    if (!p->is_bad)
        parser_adopt(p, node, parse_block(p));
    return node;
}

/* The name or the path that a value is given to. */
static void check_target(struct parser *p, const struct node *target)
{
    const struct node *node = target;

    for (; node->kind == NODE_PROPERTY || node->kind == NODE_INDEX; node = node->first) {
        if (node->flags & FLAG_OPTIONAL)
            parser_error(p, node->line, node->column, "'?.' and '?[' cannot be assigned to");
    }
    if (target->kind == NODE_GLOBAL)
        parser_error(p, target->line, target->column, "global::%.*s is a constant",
                     STR_ARG(target->symbol->text));
    else if (!node_is_place(target) || (target->flags & FLAG_PAREN))
        parser_error(p, target->line, target->column,
                     "only a variable, a property or an index can be assigned to");
}

static struct node *parse_assignment(struct parser *p)
{
    struct node *target = parse_expression(p);
    enum token_kind kind = p->token.kind;

    if (p->is_bad || kind < TOKEN_ASSIGN || kind > TOKEN_XOR_ASSIGN)
        return target;
    check_target(p, target);
    struct node *node = parser_node_at(p, NODE_ASSIGN, target);
    node->op = (uint8_t)(kind == TOKEN_ASSIGN ? TOKEN_ASSIGN : TOKEN_ADD + kind - TOKEN_ADD_ASSIGN);
    p->script->mutates = p->script->mutates || target->kind != NODE_NAME;
    parser_next(p);
    parser_adopt(p, node, target);
    parser_adopt(p, node, parse_expression(p));
    return node;
}

static struct node *refuse(struct parser *p, const char *why)
{
    struct node *node = parser_node(p, NODE_UNIT);

    parser_error(p, p->token.line, p->token.column, "%s", why);
    return node;
}

struct node *parse_statement(struct parser *p)
{
    switch ((int)p->token.kind) {
    case TOKEN_LET:
    case TOKEN_CONST:
        return parse_let(p);
    case TOKEN_RETURN:
        return parse_leaving(p, NODE_RETURN);
    case TOKEN_BREAK:
        return parse_leaving(p, NODE_BREAK);
    case TOKEN_THROW:
        return parse_leaving(p, NODE_THROW);
    case TOKEN_CONTINUE:
        return parse_continue(p);
    case TOKEN_TRY:
        return parse_try(p);
    case TOKEN_IF:
        return parse_if(p);
    case TOKEN_SWITCH:
        return parse_switch(p);
    case TOKEN_LEFT_BRACE:
        return parse_block(p);
    case TOKEN_WHILE:
    case TOKEN_LOOP:
    case TOKEN_DO:
    case TOKEN_FOR:
        return parse_loop(p);
    case TOKEN_FN:
    case TOKEN_PRIVATE:
        return refuse(p, "functions are defined at the top of the script, not inside of blocks; "
                         "a closure |x| … can stand here");
    case TOKEN_IMPORT:
        return refuse(p, "'import' is not supported; a policy is one script");
    case TOKEN_EXPORT:
        return refuse(p, "'export' is not supported; constants are reached as global::NAME");
    default:
        return parse_assignment(p);
    }
}

static bool ends_with_block(const struct node *node)
{
    return (node->kind >= NODE_BLOCK && node->kind <= NODE_FOR) || node->kind == NODE_TRY;
}

/* After an error: past the rest of the statement, whole blocks with it. */
static void skip_statement(struct parser *p)
{
    unsigned depth = 0;

    for (; !parser_at(p, TOKEN_END); parser_next(p)) {
        if (parser_at(p, TOKEN_LEFT_BRACE) || parser_at(p, TOKEN_MAP_BRACE)) {
            depth++;
        } else if (parser_at(p, TOKEN_RIGHT_BRACE)) {
            if (depth == 0)
                break;
            if (--depth == 0) {
                parser_next(p);
                break;
            }
        } else if (parser_at(p, TOKEN_SEMICOLON) && depth == 0) {
            parser_next(p);
            break;
        } else if (parser_at(p, TOKEN_FN) && depth == 0) {
            break;
        }
    }
    p->is_bad = false;
}

static bool has_room(const struct parser *p)
{
    return p->script->diagnostics->errors < DIAGNOSTICS_MAX;
}

static void end_statement(struct parser *p, const struct node *statement)
{
    if (p->is_bad || parser_accept(p, TOKEN_SEMICOLON) || ends_with_block(statement) ||
        parser_at(p, TOKEN_RIGHT_BRACE) || parser_at(p, TOKEN_END))
        return;
    parser_expected(p, "';' after this statement");
}

void parse_statements(struct parser *p, struct node *block)
{
    while (has_room(p) && !parser_at(p, TOKEN_RIGHT_BRACE) && !parser_at(p, TOKEN_END)) {
        if (parser_accept(p, TOKEN_SEMICOLON))
            continue;
        size_t before = p->lexer.at;
        struct node *statement = parse_statement(p);
        parser_adopt(p, block, statement);
        end_statement(p, statement);
        if (p->is_bad) {
            skip_statement(p);
            if (p->lexer.at == before)
                break; /* a stray fn: for the script to read */
        }
    }
}

struct node *parse_block(struct parser *p)
{
    struct node *block = parser_node(p, NODE_BLOCK);

    if (!parser_expect(p, TOKEN_LEFT_BRACE, "'{'") || !parser_enter(p, 1))
        return block;
    parse_statements(p, block);
    parser_leave(p, 1);
    if (has_room(p))
        (void)parser_expect(p, TOKEN_RIGHT_BRACE, "'}' to close the block");
    return block;
}

static void add_function(struct parser *p, struct function *function)
{
    struct function **same = &function->symbol->functions;

    while (*same && (*same)->params_len != function->params_len)
        same = &(*same)->same_name;
    if (*same) /* the later one replaces the earlier */
        function->same_name = (*same)->same_name;
    *same = function;
    *p->script->functions_end = function;
    p->script->functions_end = &function->next;
}

static void check_entry(struct parser *p, const struct function *function)
{
    unsigned count = 0;
    const char *params = name_entry_params(function->symbol->text, &count);

    if (params && function->params_len != count)
        parser_error(p, function->line, function->column,
                     "entry point %.*s takes %u parameter%s: %.*s(%s)",
                     STR_ARG(function->symbol->text), count, count == 1 ? "" : "s",
                     STR_ARG(function->symbol->text), params);
}

static void parse_function(struct parser *p)
{
    (void)parser_accept(p, TOKEN_PRIVATE);
    if (!parser_expect(p, TOKEN_FN, "'fn' after 'private'"))
        return;
    struct function *function = parser_function(p);
    struct symbol *symbol = parser_declared_name(p, "the name of a function");
    if (!function || !symbol)
        return;
    function->symbol = symbol;
    if (parser_at(p, TOKEN_DOT)) {
        parser_error(p, p->token.line, p->token.column,
                     "methods of one type are not supported; write fn %s(…) and test type_of(this)",
                     "name");
        return;
    }
    if (!parser_expect(p, TOKEN_LEFT_PAREN, "'(' after the name of a function") ||
        !parse_params(p, function, TOKEN_RIGHT_PAREN))
        return;
    p->function = function;
    function->body = parse_block(p);
    p->function = &p->script->main;
    if (!p->is_bad)
        check_entry(p, function);
    if (!p->is_bad)
        add_function(p, function);
}

static void parse_items(struct parser *p, struct node *main)
{
    while (has_room(p) && !parser_at(p, TOKEN_END)) {
        if (parser_at(p, TOKEN_FN) || parser_at(p, TOKEN_PRIVATE)) {
            parse_function(p);
        } else if (parser_at(p, TOKEN_RIGHT_BRACE)) {
            parser_error(p, p->token.line, p->token.column, "this '}' closes nothing");
            parser_next(p);
        } else if (!parser_accept(p, TOKEN_SEMICOLON)) {
            struct node *statement = parse_statement(p);
            parser_adopt(p, main, statement);
            end_statement(p, statement);
        }
        if (p->is_bad) {
            p->depth = 0;
            p->loop = NULL;
            p->function = &p->script->main;
            if (parser_at(p, TOKEN_FN))
                parser_next(p); /* or it would be met again */
            skip_statement(p);
            while (parser_accept(p, TOKEN_RIGHT_BRACE))
                continue;
        }
    }
}

void parse_script(struct script *script, struct str source)
{
    struct parser p = { .script = script, .function = &script->main };

    lexer_init(&p.lexer, source, &script->arena);
    parser_next(&p);
    script->main.body = parser_node(&p, NODE_BLOCK);
    parse_items(&p, script->main.body);
    lexer_deinit(&p.lexer);
}
