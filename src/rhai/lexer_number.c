/* Numbers: 42, 1_000, 0xff, 0o17, 0b101, 1.5, 42., 1e3. */
#include "rhai/lexer.h"

#include "base/parse.h"

enum { DIGITS_MAX = 128 };

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static unsigned digit_value(char c)
{
    return is_digit(c)            ? (unsigned)(c - '0')
           : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10)
           : c >= 'A' && c <= 'F' ? (unsigned)(c - 'A' + 10)
                                  : 16;
}

static unsigned base_of(char mark)
{
    return mark == 'x' || mark == 'X'   ? 16
           : mark == 'o' || mark == 'O' ? 8
           : mark == 'b' || mark == 'B' ? 2
                                        : 0;
}

/* 64 bits as they stand: 0xffffffffffffffff is -1. */
static void based(struct lexer *lexer, unsigned base, struct token *ret)
{
    uint64_t value = 0;
    unsigned digits = 0;

    lexer_skip(lexer, 2);
    for (;; lexer_step(lexer)) {
        char c = lexer_peek(lexer, 0);
        unsigned digit = digit_value(c);
        if (c == '_')
            continue;
        if (digit >= base)
            break;
        digits++;
        if (value > UINT64_MAX / base)
            lexer_bad(ret, "this number does not fit 64 bits");
        value = value * base + digit;
    }
    if (digits == 0 || is_letter(lexer_peek(lexer, 0)) || is_digit(lexer_peek(lexer, 0)))
        lexer_bad(ret, "a malformed number");
    if (ret->kind == TOKEN_BAD)
        return;
    ret->kind = TOKEN_INT;
    ret->integer = (int64_t)value;
}

struct digits {
    char text[DIGITS_MAX];
    size_t len;
    bool too_long;
};

static void take(struct lexer *lexer, struct digits *to)
{
    char c = lexer_peek(lexer, 0);

    if (c != '_' && to->len < sizeof(to->text))
        to->text[to->len++] = c;
    else if (c != '_')
        to->too_long = true;
    lexer_step(lexer);
}

static void take_digits(struct lexer *lexer, struct digits *to)
{
    while (is_digit(lexer_peek(lexer, 0)) || lexer_peek(lexer, 0) == '_')
        take(lexer, to);
}

/* 1..5 is a range and 1.max(2) a call; 1. and 1.5 are floats. */
static bool has_fraction(const struct lexer *lexer)
{
    char next = lexer_peek(lexer, 1);

    return lexer_peek(lexer, 0) == '.' && next != '.' && !is_letter(next);
}

static bool has_exponent(const struct lexer *lexer)
{
    char mark = lexer_peek(lexer, 0), next = lexer_peek(lexer, 1);
    bool is_signed = next == '+' || next == '-';

    return (mark == 'e' || mark == 'E') && is_digit(is_signed ? lexer_peek(lexer, 2) : next);
}

static void finish(const struct digits *digits, bool is_float, struct token *ret)
{
    struct str text = { digits->text, digits->len };

    ret->kind = is_float ? TOKEN_FLOAT : TOKEN_INT;
    if (digits->too_long)
        lexer_bad(ret, "this number has too many digits");
    else if (is_float && !parse_double_str(text, &ret->real))
        lexer_bad(ret, "this number does not fit a float");
    else if (!is_float && str_eq(text, "9223372036854775808"))
        ret->is_unsigned = true;
    else if (!is_float && !parse_i64_str(text, &ret->integer))
        lexer_bad(ret, "this number does not fit an i64; write it as a float: 1.0e19");
}

void lexer_number(struct lexer *lexer, struct token *ret)
{
    struct digits digits = { .len = 0 };
    unsigned base = lexer_peek(lexer, 0) == '0' ? base_of(lexer_peek(lexer, 1)) : 0;
    bool is_float = false;

    if (base > 0) {
        based(lexer, base, ret);
        return;
    }
    take_digits(lexer, &digits);
    if (has_fraction(lexer)) {
        is_float = true;
        if (is_digit(lexer_peek(lexer, 1))) {
            take(lexer, &digits);
            take_digits(lexer, &digits);
        } else {
            lexer_step(lexer);
        }
    }
    if (has_exponent(lexer)) {
        is_float = true;
        take(lexer, &digits);
        take(lexer, &digits);
        take_digits(lexer, &digits);
    }
    if (is_letter(lexer_peek(lexer, 0)))
        lexer_bad(ret, "a malformed number");
    else
        finish(&digits, is_float, ret);
    while (is_letter(lexer_peek(lexer, 0)) && ret->kind == TOKEN_BAD)
        lexer_step(lexer);
}
