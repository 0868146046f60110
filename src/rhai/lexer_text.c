/* Strings and characters, decoded into the arena. */
#include "rhai/lexer.h"

#include "base/utf8.h"

static void add_byte(struct lexer *lexer)
{
    (void)buf_putc(&lexer->decoded, lexer_peek(lexer, 0));
    lexer_step(lexer);
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

static bool add_code(struct lexer *lexer, unsigned digits, struct token *ret)
{
    uint32_t code = 0;
    char bytes[4];

    for (unsigned i = 0; i < digits; i++) {
        int digit = hex_digit(lexer_peek(lexer, 0));
        if (digit < 0) {
            lexer_bad(ret, "a \\x takes 2 hexadecimal digits, a \\u 4 and a \\U 8");
            return false;
        }
        code = code << 4 | (uint32_t)digit;
        lexer_step(lexer);
    }
    size_t n = utf8_encode(code, bytes);
    if (n == 0)
        lexer_bad(ret, "no character has this number");
    (void)buf_add(&lexer->decoded, bytes, n);
    return n > 0;
}

/* Past a '\' at the end of a line, and the blanks under the opening quote. */
static void continue_line(struct lexer *lexer, unsigned column)
{
    while (lexer_peek(lexer, 0) != '\n')
        lexer_step(lexer);
    lexer_step(lexer);
    while (lexer->column < column && (lexer_peek(lexer, 0) == ' ' || lexer_peek(lexer, 0) == '\t'))
        lexer_step(lexer);
}

static bool escape(struct lexer *lexer, struct token *ret)
{
    static const char codes[] = "nrt\\\"'", bytes[] = "\n\r\t\\\"'";
    char c = lexer_peek(lexer, 1);
    const char *simple = c ? strchr(codes, c) : NULL;

    lexer_step(lexer);
    if (c == '\n' || (c == '\r' && lexer_peek(lexer, 1) == '\n')) {
        continue_line(lexer, ret->column);
        return true;
    }
    if (c == 'x' || c == 'u' || c == 'U') {
        lexer_step(lexer);
        return add_code(lexer, c == 'x' ? 2 : c == 'u' ? 4 : 8, ret);
    }
    if (!simple) {
        lexer_bad(ret, "an unknown escape; there are \\n \\r \\t \\\\ \\\" \\' \\x \\u \\U");
        return false;
    }
    (void)buf_putc(&lexer->decoded, bytes[simple - codes]);
    lexer_step(lexer);
    return true;
}

/* Up to and with the closing `quote`. False: `ret` is TOKEN_BAD. */
static bool quoted(struct lexer *lexer, char quote, struct token *ret)
{
    buf_clear(&lexer->decoded);
    lexer_step(lexer);
    for (;;) {
        char c = lexer_peek(lexer, 0);
        if (lexer->at >= lexer->source.len || c == '\n') {
            lexer_bad(ret, quote == '"'
                               ? "this string does not end on its line; close it with '\"', "
                                 "or write one of many lines in back-ticks"
                               : "this character does not end; close it with \"'\"");
            return false;
        }
        if (c == quote && quote == '"' && lexer_peek(lexer, 1) == quote) {
            lexer_step(lexer);
            add_byte(lexer);
        } else if (c == quote) {
            lexer_step(lexer);
            return true;
        } else if (c == '\\') {
            if (!escape(lexer, ret))
                return false;
        } else {
            add_byte(lexer);
        }
    }
}

static void finish(struct lexer *lexer, enum token_kind kind, struct str text, struct token *ret)
{
    ret->kind = kind;
    ret->text = (struct str){ arena_copy(lexer->arena, text), text.len };
    if (!ret->text.p)
        lexer_bad(ret, "the script is too large");
}

void lexer_string(struct lexer *lexer, struct token *ret)
{
    if (quoted(lexer, '"', ret))
        finish(lexer, TOKEN_STRING, buf_str(&lexer->decoded), ret);
}

void lexer_char(struct lexer *lexer, struct token *ret)
{
    if (!quoted(lexer, '\'', ret))
        return;
    struct str text = buf_str(&lexer->decoded);
    if (text.len == 0 || utf8_sequence(text.p, text.len) != text.len)
        lexer_bad(ret, "'…' holds exactly one character; strings are written \"…\"");
    else
        finish(lexer, TOKEN_STRING, text, ret);
}

void lexer_raw_string(struct lexer *lexer, struct token *ret)
{
    size_t hashes = 0, closing = 0;

    for (; lexer_peek(lexer, 0) == '#'; hashes++)
        lexer_step(lexer);
    if (lexer_peek(lexer, 0) != '"') {
        lexer_bad(ret, "expected '{' or '\"' after '#'");
        return;
    }
    lexer_step(lexer);
    const char *start = lexer->source.p + lexer->at;
    for (;; lexer_step(lexer)) {
        if (lexer->at >= lexer->source.len) {
            lexer_bad(ret, "this raw string does not end; close it with '\"' and as many '#'");
            return;
        }
        if (lexer_peek(lexer, 0) != '"')
            continue;
        for (closing = 0; closing < hashes && lexer_peek(lexer, closing + 1) == '#';)
            closing++;
        if (closing == hashes)
            break;
    }
    struct str text = { start, (size_t)(lexer->source.p + lexer->at - start) };
    lexer_skip(lexer, hashes + 1);
    finish(lexer, TOKEN_STRING, text, ret);
}

void lexer_piece(struct lexer *lexer, struct token *ret)
{
    buf_clear(&lexer->decoded);
    for (;;) {
        char c = lexer_peek(lexer, 0), next = lexer_peek(lexer, 1);
        if (lexer->at >= lexer->source.len) {
            lexer_bad(ret, "this string does not end; close it with '`'");
            return;
        }
        if (c == '`' && next != '`')
            break;
        if (c == '$' && next == '{')
            break;
        if (c == '`')
            lexer_step(lexer);
        add_byte(lexer);
    }
    finish(lexer, TOKEN_TEMPLATE, buf_str(&lexer->decoded), ret);
    ret->continues = lexer_peek(lexer, 0) == '$';
    lexer_skip(lexer, ret->continues ? 2 : 1);
}
