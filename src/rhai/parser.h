/* parser - what the files of the parser share. Not for others. */
#pragma once

#include "rhai/build.h"
#include "rhai/lexer.h"

struct parser {
    struct script *script;
    struct lexer lexer;
    struct token token; /* the one that is looked at */
    struct function *function;
    struct node *loop; /* the innermost one of the function, or NULL */
    unsigned depth;
    struct node spare; /* stands in for nodes that the caps refuse */
    bool is_bad;       /* an error was told; quiet until the next statement */
};

void parser_next(struct parser *p);
bool parser_at(const struct parser *p, enum token_kind kind);
bool parser_accept(struct parser *p, enum token_kind kind);

/* "expected `what`, found …", unless the token is there, which is then passed. */
bool parser_expect(struct parser *p, enum token_kind kind, const char *what);
void parser_expected(struct parser *p, const char *what);
void parser_error(struct parser *p, unsigned line, unsigned column, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* False and an error beyond RHAI_DEPTH_MAX; each true one is left again. */
bool parser_enter(struct parser *p, unsigned levels);
void parser_leave(struct parser *p, unsigned levels);

/* Where the token stands. Never NULL: beyond the caps an error was told and a spare node
 * is returned. */
struct node *parser_node(struct parser *p, enum node_kind kind);
struct node *parser_node_at(struct parser *p, enum node_kind kind, const struct node *place);
void parser_adopt(struct parser *p, struct node *parent, struct node *kid);

/* A name that may be declared; NULL and an error when the token is none. */
struct symbol *parser_declared_name(struct parser *p, const char *what);
struct symbol *parser_symbol(struct parser *p, struct str text);
struct variable *parser_variable(struct parser *p, struct symbol *symbol);

struct function *parser_function(struct parser *p);
bool parse_params(struct parser *p, struct function *function, enum token_kind closing);

/* Never NULL; a node of any kind after an error. */
struct node *parse_expression(struct parser *p);
struct node *parse_case_value(struct parser *p); /* as far as ranges bind */
struct node *parse_primary(struct parser *p);    /* without what may follow it */
struct node *parse_statement(struct parser *p);
struct node *parse_block(struct parser *p);
void parse_statements(struct parser *p, struct node *block);
struct node *parse_if(struct parser *p);
struct node *parse_switch(struct parser *p);
struct node *parse_loop(struct parser *p); /* while, loop, do, for */

/* Values between commas up to `closing`, which is passed; "to close …" for messages. */
void parse_arguments(struct parser *p, struct node *call, enum token_kind closing,
                     const char *what);
