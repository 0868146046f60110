#include "rhai/lexer.h"

enum { NAME_BYTES_MAX = 100 };

/* clang-format off */
static const struct {
    const char *text;
    enum token_kind kind;
} words[] = {
    { "true", TOKEN_TRUE },         { "false", TOKEN_FALSE },   { "let", TOKEN_LET },
    { "const", TOKEN_CONST },       { "if", TOKEN_IF },         { "else", TOKEN_ELSE },
    { "switch", TOKEN_SWITCH },     { "while", TOKEN_WHILE },   { "loop", TOKEN_LOOP },
    { "do", TOKEN_DO },             { "until", TOKEN_UNTIL },   { "for", TOKEN_FOR },
    { "in", TOKEN_IN },             { "break", TOKEN_BREAK },   { "continue", TOKEN_CONTINUE },
    { "return", TOKEN_RETURN },     { "throw", TOKEN_THROW },   { "try", TOKEN_TRY },
    { "catch", TOKEN_CATCH },       { "fn", TOKEN_FN },         { "private", TOKEN_PRIVATE },
    { "this", TOKEN_THIS },         { "global", TOKEN_GLOBAL }, { "import", TOKEN_IMPORT },
    { "export", TOKEN_EXPORT },     { "as", TOKEN_AS },         { "_", TOKEN_UNDERSCORE },
};

static const char *const reserved[] = {
    "var", "static", "shared", "goto", "exit", "match", "case", "public", "protected", "new",
    "use", "with", "module", "package", "super", "thread", "spawn", "go", "await", "async",
    "sync", "yield", "default", "void", "null", "nil",
};

/* A longer one stands before what it begins with. */
static const struct {
    const char *text;
    enum token_kind kind;
} signs[] = {
    { "..=", TOKEN_RANGE_INCLUSIVE }, { "**=", TOKEN_POW_ASSIGN }, { "<<=", TOKEN_SHL_ASSIGN },
    { ">>=", TOKEN_SHR_ASSIGN },      { "===", TOKEN_BAD },        { "!==", TOKEN_BAD },
    { "...", TOKEN_BAD },             { "#{", TOKEN_MAP_BRACE },   { "::", TOKEN_DOUBLE_COLON },
    { "=>", TOKEN_ARROW },            { "?.", TOKEN_OPTIONAL_DOT },
    { "?[", TOKEN_OPTIONAL_BRACKET }, { "??", TOKEN_COALESCE },    { "..", TOKEN_RANGE },
    { "+=", TOKEN_ADD_ASSIGN },       { "-=", TOKEN_SUB_ASSIGN },  { "*=", TOKEN_MUL_ASSIGN },
    { "/=", TOKEN_DIV_ASSIGN },       { "%=", TOKEN_MOD_ASSIGN },  { "&=", TOKEN_AND_ASSIGN },
    { "|=", TOKEN_OR_ASSIGN },        { "^=", TOKEN_XOR_ASSIGN },  { "**", TOKEN_POW },
    { "<<", TOKEN_SHL },              { ">>", TOKEN_SHR },         { "&&", TOKEN_LOGIC_AND },
    { "||", TOKEN_LOGIC_OR },         { "==", TOKEN_EQ },          { "!=", TOKEN_NE },
    { "<=", TOKEN_LE },               { ">=", TOKEN_GE },          { "++", TOKEN_BAD },
    { "--", TOKEN_BAD },              { "->", TOKEN_BAD },         { ":=", TOKEN_BAD },
    { "(", TOKEN_LEFT_PAREN },        { ")", TOKEN_RIGHT_PAREN },  { "[", TOKEN_LEFT_BRACKET },
    { "]", TOKEN_RIGHT_BRACKET },     { "{", TOKEN_LEFT_BRACE },   { "}", TOKEN_RIGHT_BRACE },
    { ",", TOKEN_COMMA },             { ";", TOKEN_SEMICOLON },    { ":", TOKEN_COLON },
    { ".", TOKEN_DOT },               { "!", TOKEN_NOT },          { "=", TOKEN_ASSIGN },
    { "+", TOKEN_ADD },               { "-", TOKEN_SUB },          { "*", TOKEN_MUL },
    { "/", TOKEN_DIV },               { "%", TOKEN_MOD },          { "&", TOKEN_BIT_AND },
    { "|", TOKEN_BIT_OR },            { "^", TOKEN_BIT_XOR },      { "<", TOKEN_LT },
    { ">", TOKEN_GT },
};

static const struct {
    const char *text;
    const char *message;
} mistakes[] = {
    { "===", "'===' is no operator of Rhai; '==' compares type and value" },
    { "!==", "'!==' is no operator of Rhai; write '!='" },
    { "...", "'...' is no operator of Rhai; a range is a..b or a..=b" },
    { "++", "'++' is no operator of Rhai; write x += 1" },
    { "--", "'--' is no operator of Rhai; write x -= 1" },
    { "->", "'->' is no operator of Rhai; functions declare no types" },
    { ":=", "':=' is no operator of Rhai; write let x = …" },
};
/* clang-format on */

void lexer_init(struct lexer *lexer, struct str source, struct arena *arena)
{
    *lexer = (struct lexer){ .source = source, .line = 1, .column = 1, .arena = arena };
    buf_init(&lexer->decoded, SCRIPT_BYTES_MAX);
}

void lexer_deinit(struct lexer *lexer)
{
    buf_deinit(&lexer->decoded);
}

void lexer_step(struct lexer *lexer)
{
    char c = lexer->source.p[lexer->at++];

    if (c == '\n') {
        lexer->line++;
        lexer->column = 1;
    } else if ((c & 0xc0) != 0x80) {
        lexer->column++;
    }
}

void lexer_skip(struct lexer *lexer, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        lexer_step(lexer);
}

void lexer_bad(struct token *ret, const char *message)
{
    ret->kind = TOKEN_BAD;
    ret->text = str_of(message);
}

/* False: a comment that does not end, which `ret` tells. */
static bool skip_block_comment(struct lexer *lexer, struct token *ret)
{
    unsigned depth = 0;

    do {
        if (lexer->at >= lexer->source.len) {
            lexer_bad(ret, "this comment does not end; close it with */");
            return false;
        }
        bool opens = lexer_peek(lexer, 0) == '/' && lexer_peek(lexer, 1) == '*';
        bool closes = lexer_peek(lexer, 0) == '*' && lexer_peek(lexer, 1) == '/';
        if (opens || closes)
            lexer_step(lexer);
        lexer_step(lexer);
        depth += opens;
        depth -= closes;
    } while (depth > 0);
    return true;
}

/* The place of the next token. */
static void mark(const struct lexer *lexer, struct token *ret)
{
    *ret = (struct token){ .line = lexer->line, .column = lexer->column };
    ret->source.p = lexer->source.p + lexer->at;
}

static bool skip_blank(struct lexer *lexer, struct token *ret)
{
    while (lexer->at < lexer->source.len) {
        char c = lexer_peek(lexer, 0), next = lexer_peek(lexer, 1);
        if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
            lexer_step(lexer);
        } else if (c == '/' && next == '/') {
            while (lexer->at < lexer->source.len && lexer_peek(lexer, 0) != '\n')
                lexer_step(lexer);
        } else if (c == '/' && next == '*') {
            mark(lexer, ret);
            if (!skip_block_comment(lexer, ret))
                return false;
        } else {
            break;
        }
    }
    mark(lexer, ret);
    return true;
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_word(char c)
{
    return is_letter(c) || is_digit(c) || c == '_';
}

static void word(struct lexer *lexer, struct token *ret)
{
    struct str text = { lexer->source.p + lexer->at, 0 };
    bool is_named = false;

    while (is_word(lexer_peek(lexer, 0))) {
        is_named = is_named || is_letter(lexer_peek(lexer, 0));
        if (is_digit(lexer_peek(lexer, 0)) && !is_named)
            lexer_bad(ret, "a name needs a letter before its first digit");
        text.len++;
        lexer_step(lexer);
    }
    if (ret->kind == TOKEN_BAD)
        return;
    ret->kind = TOKEN_NAME;
    ret->text = text;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (str_eq(text, words[i].text))
            ret->kind = words[i].kind;
    }
    for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++) {
        if (str_eq(text, reserved[i]))
            ret->kind = TOKEN_RESERVED;
    }
    if (!is_named && text.len > 1)
        lexer_bad(ret, "a name needs a letter");
    if (text.len > NAME_BYTES_MAX)
        lexer_bad(ret, "a name has at most 100 characters");
}

static void explain_mistake(struct str text, struct token *ret)
{
    lexer_bad(ret, "not an operator of Rhai");
    for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++) {
        if (str_eq(text, mistakes[i].text))
            lexer_bad(ret, mistakes[i].message);
    }
}

static bool sign(struct lexer *lexer, struct token *ret)
{
    struct str rest = { lexer->source.p + lexer->at, lexer->source.len - lexer->at };

    if (str_starts(rest, "!in") && !is_word(lexer_peek(lexer, 3))) {
        ret->kind = TOKEN_NOT_IN;
        lexer_skip(lexer, 3);
        return true;
    }
    for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++) {
        if (!str_starts(rest, signs[i].text))
            continue;
        ret->kind = signs[i].kind;
        size_t len = strlen(signs[i].text);
        lexer_skip(lexer, len);
        if (ret->kind == TOKEN_BAD)
            explain_mistake((struct str){ rest.p, len }, ret);
        return true;
    }
    return false;
}

static void lex(struct lexer *lexer, struct token *ret)
{
    char c = lexer_peek(lexer, 0);

    if (lexer->at >= lexer->source.len) {
        ret->kind = TOKEN_END;
    } else if (is_digit(c)) {
        lexer_number(lexer, ret);
    } else if (is_letter(c) || c == '_') {
        word(lexer, ret);
    } else if (c == '"') {
        lexer_string(lexer, ret);
    } else if (c == '\'') {
        lexer_char(lexer, ret);
    } else if (c == '`') {
        lexer_step(lexer);
        if (lexer_peek(lexer, 0) == '\r' && lexer_peek(lexer, 1) == '\n')
            lexer_step(lexer);
        if (lexer_peek(lexer, 0) == '\n')
            lexer_step(lexer);
        lexer_piece(lexer, ret);
    } else if (c == '#' && (lexer_peek(lexer, 1) == '"' || lexer_peek(lexer, 1) == '#')) {
        lexer_raw_string(lexer, ret);
    } else if (!sign(lexer, ret)) {
        lexer_bad(ret, "this character has no meaning here");
        do
            lexer_step(lexer);
        while ((lexer_peek(lexer, 0) & 0xc0) == 0x80);
    }
}

void lexer_next_piece(struct lexer *lexer, struct token *ret)
{
    mark(lexer, ret);
    lexer_piece(lexer, ret);
    ret->source.len = (size_t)(lexer->source.p + lexer->at - ret->source.p);
}

void lexer_next(struct lexer *lexer, struct token *ret)
{
    if (skip_blank(lexer, ret))
        lex(lexer, ret);
    ret->source.len = (size_t)(lexer->source.p + lexer->at - ret->source.p);
}
