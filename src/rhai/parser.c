#include "rhai/parser.h"

#include <stdarg.h>
#include <stdio.h>

enum { FOUND_BYTES_MAX = 40 };

void parser_next(struct parser *p)
{
    lexer_next(&p->lexer, &p->token);
}

bool parser_at(const struct parser *p, enum token_kind kind)
{
    return p->token.kind == kind;
}

bool parser_accept(struct parser *p, enum token_kind kind)
{
    if (!parser_at(p, kind))
        return false;
    parser_next(p);
    return true;
}

void parser_error(struct parser *p, unsigned line, unsigned column, const char *fmt, ...)
{
    char message[DIAGNOSTIC_MESSAGE_SIZE];
    va_list args;

    if (p->is_bad)
        return;
    p->is_bad = true;
    va_start(args, fmt);
    (void)vsnprintf(message, sizeof(message), fmt, args);
    va_end(args);
    diagnostics_add(p->script->diagnostics, false, line, column, "%s", message);
}

void parser_expected(struct parser *p, const char *what)
{
    const struct token *token = &p->token;
    struct str found = token->source;

    if (found.len > FOUND_BYTES_MAX)
        found.len = FOUND_BYTES_MAX;
    while (found.len > 0 && found.len < token->source.len && (found.p[found.len] & 0xc0) == 0x80)
        found.len--;
    if (token->kind == TOKEN_BAD)
        parser_error(p, token->line, token->column, "%.*s", STR_ARG(token->text));
    else if (token->kind == TOKEN_END)
        parser_error(p, token->line, token->column, "expected %s, found the end of the script",
                     what);
    else
        parser_error(p, token->line, token->column, "expected %s, found %s%.*s%s", what,
                     token->kind == TOKEN_TEMPLATE ? "" : "'", STR_ARG(found),
                     token->kind == TOKEN_TEMPLATE ? "" : "'");
}

bool parser_expect(struct parser *p, enum token_kind kind, const char *what)
{
    if (parser_accept(p, kind))
        return true;
    parser_expected(p, what);
    return false;
}

bool parser_enter(struct parser *p, unsigned levels)
{
    if (p->depth + levels > RHAI_DEPTH_MAX) {
        parser_error(p, p->token.line, p->token.column,
                     "nested more than %d deep; move a part to a function or a variable",
                     RHAI_DEPTH_MAX);
        return false;
    }
    p->depth += levels;
    return true;
}

void parser_leave(struct parser *p, unsigned levels)
{
    p->depth -= levels;
}

/* Takes the place of nodes that the caps refuse: a script with an error is not compiled. */
static struct node *spare(struct parser *p)
{
    parser_error(p, p->token.line, p->token.column, "the script is too large: more than %d parts",
                 RHAI_NODES_MAX);
    p->spare = (struct node){ .kind = NODE_UNIT, .height = 1 };
    return &p->spare;
}

struct node *parser_node(struct parser *p, enum node_kind kind)
{
    struct node *node = node_new(p->script, kind, p->token.line, p->token.column);

    return node ? node : spare(p);
}

struct node *parser_node_at(struct parser *p, enum node_kind kind, const struct node *place)
{
    struct node *node = node_new(p->script, kind, place->line, place->column);

    return node ? node : spare(p);
}

/* Not after an error: the spare node must not become its own kid. */
void parser_adopt(struct parser *p, struct node *parent, struct node *kid)
{
    if (p->is_bad)
        return;
    node_add(parent, kid);
    if (parent->height > RHAI_HEIGHT_MAX)
        parser_error(p, kid->line, kid->column,
                     "more than %d operators in a row; split the expression", RHAI_HEIGHT_MAX);
}

struct symbol *parser_symbol(struct parser *p, struct str text)
{
    struct symbol *symbol = script_symbol(p->script, text);

    if (!symbol)
        parser_error(p, p->token.line, p->token.column, "the script is too large");
    return symbol;
}

struct symbol *parser_declared_name(struct parser *p, const char *what)
{
    const struct token *token = &p->token;

    if (token->kind == TOKEN_NAME) {
        struct symbol *symbol = parser_symbol(p, token->text);
        parser_next(p);
        return symbol;
    }
    if (token->kind >= TOKEN_RESERVED && token->text.len > 0 && token->kind <= TOKEN_AS &&
        token->kind != TOKEN_STRING)
        parser_error(p, token->line, token->column, "'%.*s' is a reserved word; expected %s",
                     STR_ARG(token->source), what);
    else
        parser_expected(p, what);
    return NULL;
}

struct variable *parser_variable(struct parser *p, struct symbol *symbol)
{
    struct variable *variable = symbol ? arena_alloc(&p->script->arena, sizeof(*variable)) : NULL;

    if (variable)
        *variable = (struct variable){ .symbol = symbol, .owner = p->function };
    else
        parser_error(p, p->token.line, p->token.column, "the script is too large");
    return variable;
}

struct function *parser_function(struct parser *p)
{
    struct function *function = arena_alloc(&p->script->arena, sizeof(*function));

    if (!function) {
        parser_error(p, p->token.line, p->token.column, "the script is too large");
        return NULL;
    }
    function->line = p->token.line;
    function->column = p->token.column;
    return function;
}

static bool is_doubled(struct variable *const *list, size_t len, const struct symbol *symbol)
{
    for (size_t i = 0; i < len; i++) {
        if (list[i]->symbol == symbol)
            return true;
    }
    return false;
}

bool parse_params(struct parser *p, struct function *function, enum token_kind closing)
{
    struct variable *list[RHAI_ARGUMENTS_MAX];
    size_t len = 0;

    while (!parser_at(p, closing)) {
        struct token place = p->token;
        struct symbol *symbol = parser_declared_name(p, "the name of a parameter");
        if (!symbol)
            return false;
        if (is_doubled(list, len, symbol))
            parser_error(p, place.line, place.column, "parameter '%.*s' is there twice",
                         STR_ARG(symbol->text));
        else if (len == RHAI_ARGUMENTS_MAX)
            parser_error(p, place.line, place.column, "at most %d parameters; pass a map instead",
                         RHAI_ARGUMENTS_MAX);
        if (p->is_bad || !(list[len] = parser_variable(p, symbol)))
            return false;
        list[len++]->owner = function;
        if (!parser_accept(p, TOKEN_COMMA))
            break;
    }
    function->params_len = (unsigned)len;
    function->params = arena_alloc(&p->script->arena, len * sizeof(list[0]));
    if (function->params && len > 0)
        memcpy(function->params, list, len * sizeof(list[0]));
    const char *what =
        closing == TOKEN_BIT_OR ? "',' or '|' after a parameter" : "',' or ')' after a parameter";
    return function->params && parser_expect(p, closing, what);
}
