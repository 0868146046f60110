/*
 * lexer - cuts Rhai's text into tokens. Knows no grammar, but for one thing: a string in
 * back-ticks comes in pieces, and the parser says where its ${…} end.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "script/script.h"

#include <stdbool.h>
#include <stdint.h>

enum token_kind {
    TOKEN_END,
    TOKEN_BAD, /* text: what is wrong with it */
    TOKEN_NAME,
    TOKEN_RESERVED, /* a word that Rhai keeps for itself and has no use for */
    TOKEN_INT,
    TOKEN_FLOAT,
    TOKEN_STRING,   /* text: its characters; '…' too */
    TOKEN_TEMPLATE, /* a piece of `…`: text; `continues` when ${ follows */
    /* Words. */
    TOKEN_TRUE,
    TOKEN_FALSE,
    TOKEN_LET,
    TOKEN_CONST,
    TOKEN_IF,
    TOKEN_ELSE,
    TOKEN_SWITCH,
    TOKEN_WHILE,
    TOKEN_LOOP,
    TOKEN_DO,
    TOKEN_UNTIL,
    TOKEN_FOR,
    TOKEN_IN,
    TOKEN_BREAK,
    TOKEN_CONTINUE,
    TOKEN_RETURN,
    TOKEN_THROW,
    TOKEN_TRY,
    TOKEN_CATCH,
    TOKEN_FN,
    TOKEN_PRIVATE,
    TOKEN_THIS,
    TOKEN_GLOBAL,
    TOKEN_IMPORT,
    TOKEN_EXPORT,
    TOKEN_AS,
    /* Signs. */
    TOKEN_LEFT_PAREN,
    TOKEN_RIGHT_PAREN,
    TOKEN_LEFT_BRACKET,
    TOKEN_RIGHT_BRACKET,
    TOKEN_LEFT_BRACE,
    TOKEN_RIGHT_BRACE,
    TOKEN_MAP_BRACE,
    TOKEN_COMMA,
    TOKEN_SEMICOLON,
    TOKEN_COLON,
    TOKEN_DOUBLE_COLON,
    TOKEN_ARROW,
    TOKEN_DOT,
    TOKEN_OPTIONAL_DOT,
    TOKEN_OPTIONAL_BRACKET,
    TOKEN_UNDERSCORE,
    TOKEN_NOT,
    TOKEN_ASSIGN,
    TOKEN_ADD_ASSIGN,
    TOKEN_SUB_ASSIGN,
    TOKEN_MUL_ASSIGN,
    TOKEN_DIV_ASSIGN,
    TOKEN_MOD_ASSIGN,
    TOKEN_POW_ASSIGN,
    TOKEN_SHL_ASSIGN,
    TOKEN_SHR_ASSIGN,
    TOKEN_AND_ASSIGN,
    TOKEN_OR_ASSIGN,
    TOKEN_XOR_ASSIGN,
    /* Binary operators, in the order of the assignments above. */
    TOKEN_ADD,
    TOKEN_SUB,
    TOKEN_MUL,
    TOKEN_DIV,
    TOKEN_MOD,
    TOKEN_POW,
    TOKEN_SHL,
    TOKEN_SHR,
    TOKEN_BIT_AND,
    TOKEN_BIT_OR,
    TOKEN_BIT_XOR,
    TOKEN_LOGIC_AND,
    TOKEN_LOGIC_OR,
    TOKEN_EQ,
    TOKEN_NE,
    TOKEN_LT,
    TOKEN_LE,
    TOKEN_GT,
    TOKEN_GE,
    TOKEN_COALESCE,
    TOKEN_RANGE,
    TOKEN_RANGE_INCLUSIVE,
    TOKEN_NOT_IN,
    TOKEN_KIND_COUNT_,
};

struct token {
    enum token_kind kind;
    unsigned line, column;
    struct str source; /* as written */
    struct str text;
    int64_t integer;
    double real;
    bool is_unsigned; /* TOKEN_INT: 2^63, which only a minus makes an i64 */
    bool continues;
};

struct lexer {
    struct str source;
    size_t at;
    unsigned line, column;
    struct arena *arena; /* borrowed: of decoded strings */
    struct buf decoded;  /* the string that is being read */
};

void lexer_init(struct lexer *lexer, struct str source, struct arena *arena);
void lexer_deinit(struct lexer *lexer);
void lexer_next(struct lexer *lexer, struct token *ret);

/* After the '}' of a ${…}: the next piece of the string around it. */
void lexer_next_piece(struct lexer *lexer, struct token *ret);

/* lexer_text.c: strings, which begin where the lexer stands. */
void lexer_string(struct lexer *lexer, struct token *ret);
void lexer_char(struct lexer *lexer, struct token *ret);
void lexer_raw_string(struct lexer *lexer, struct token *ret);
void lexer_piece(struct lexer *lexer, struct token *ret); /* of `…`, up to ${ or its end */
/* lexer_number.c */
void lexer_number(struct lexer *lexer, struct token *ret);

/* For these three files: */
static inline char lexer_peek(const struct lexer *lexer, size_t ahead)
{
    return ahead < lexer->source.len - lexer->at ? lexer->source.p[lexer->at + ahead] : '\0';
}
void lexer_step(struct lexer *lexer); /* past one byte */
void lexer_skip(struct lexer *lexer, size_t bytes);
void lexer_bad(struct token *ret, const char *message);
