/* Numbers of JSON: their grammar, and whole numbers in every spelling. */
#include "base/json_internal.h"

#include "base/parse.h"

static bool is_at_digit(const struct json *j)
{
    return j->at < j->len && j->text[j->at] >= '0' && j->text[j->at] <= '9';
}

static bool scan_digits(struct json *j)
{
    if (!is_at_digit(j)) {
        json_expected(j, "a digit");
        return false;
    }
    while (is_at_digit(j))
        j->at++;
    return true;
}

static bool skip_if(struct json *j, char a, char b)
{
    if (j->at >= j->len || (j->text[j->at] != a && j->text[j->at] != b))
        return false;
    j->at++;
    return true;
}

bool json_scan_number(struct json *j, struct str *ret)
{
    size_t start = j->at;

    (void)skip_if(j, '-', '-');
    if (skip_if(j, '0', '0')) {
        if (is_at_digit(j)) {
            json_syntax(j, "a number must not start with 0");
            return false;
        }
    } else if (!scan_digits(j)) {
        return false;
    }
    if (skip_if(j, '.', '.') && !scan_digits(j))
        return false;
    if (skip_if(j, 'e', 'E')) {
        (void)skip_if(j, '+', '-');
        if (!scan_digits(j))
            return false;
    }
    *ret = (struct str){ j->text + start, j->at - start };
    return true;
}

/* Digits without their trailing zeros, and the power of ten that they stand for:
 * "120" is 12 and 1, "1.50" is 15 and -1. False past 64 bits. Moves `i` to the
 * exponent or the end. */
static bool read_digits(struct str number, size_t *i, uint64_t *ret_digits, int64_t *ret_power)
{
    uint64_t digits = 0;
    int64_t zeros = 0, behind_point = 0;
    bool has_point = false;

    for (; *i < number.len && (number.p[*i] | 0x20) != 'e'; (*i)++) {
        char c = number.p[*i];
        if (c == '.') {
            has_point = true;
            continue;
        }
        behind_point += has_point;
        if (c == '0') {
            zeros++;
            continue;
        }
        for (; zeros >= 0 && digits > 0; zeros--) {
            if (__builtin_mul_overflow(digits, 10, &digits))
                return false;
        }
        zeros = 0;
        if (__builtin_add_overflow(digits, (unsigned)(c - '0'), &digits))
            return false;
    }
    *ret_digits = digits;
    *ret_power = zeros - behind_point;
    return true;
}

bool json_number_to_i64(struct str number, int64_t *ret)
{
    const int64_t power_max = INT64_C(1) << 40; /* nothing near it fits: keeps the sum exact */
    bool is_negative = number.p[0] == '-';
    size_t i = is_negative ? 1 : 0;
    uint64_t digits;
    int64_t power, exponent = 0;

    if (!read_digits(number, &i, &digits, &power))
        return false;
    if (digits == 0) {
        *ret = 0;
        return true;
    }
    if (i < number.len) {
        i += number.p[i + 1] == '+' ? 2 : 1;
        if (!parse_i64_str((struct str){ number.p + i, number.len - i }, &exponent) ||
            exponent > power_max || exponent < -power_max)
            return false;
    }
    power += exponent;
    if (power < 0)
        return false;
    for (; power > 0; power--) {
        if (__builtin_mul_overflow(digits, 10, &digits))
            return false;
    }
    if (digits > (uint64_t)INT64_MAX + is_negative)
        return false;
    *ret = is_negative ? (int64_t)(0 - digits) : (int64_t)digits;
    return true;
}
