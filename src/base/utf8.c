#include "base/utf8.h"

/* By lead byte: the length, and the range of the second byte. The further bytes
 * are always 80..BF (The Unicode Standard, table 3-7). */
static const struct {
    unsigned char first, last;
    unsigned char len;
    unsigned char second_min, second_max;
} forms[] = {
    { 0x00, 0x7f, 1, 0x00, 0x00 }, { 0xc2, 0xdf, 2, 0x80, 0xbf }, { 0xe0, 0xe0, 3, 0xa0, 0xbf },
    { 0xe1, 0xec, 3, 0x80, 0xbf }, { 0xed, 0xed, 3, 0x80, 0x9f }, { 0xee, 0xef, 3, 0x80, 0xbf },
    { 0xf0, 0xf0, 4, 0x90, 0xbf }, { 0xf1, 0xf3, 4, 0x80, 0xbf }, { 0xf4, 0xf4, 4, 0x80, 0x8f },
};

static bool has_form(const unsigned char *p, size_t len, size_t form)
{
    if (p[0] < forms[form].first || p[0] > forms[form].last || len < forms[form].len)
        return false;
    if (forms[form].len > 1 && (p[1] < forms[form].second_min || p[1] > forms[form].second_max))
        return false;
    for (size_t i = 2; i < forms[form].len; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return false;
    }
    return true;
}

size_t utf8_sequence(const char *p, size_t len)
{
    for (size_t i = 0; len > 0 && i < sizeof(forms) / sizeof(forms[0]); i++) {
        if (has_form((const unsigned char *)p, len, i))
            return forms[i].len;
    }
    return 0;
}

bool utf8_is_valid(struct str text)
{
    for (size_t i = 0; i < text.len;) {
        size_t n = utf8_sequence(text.p + i, text.len - i);
        if (n == 0)
            return false;
        i += n;
    }
    return true;
}

size_t utf8_encode(uint32_t code_point, char out[4])
{
    static const unsigned char lead[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
    uint32_t c = code_point;

    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
        return 0;
    size_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (size_t i = n - 1; i > 0; i--, c >>= 6)
        out[i] = (char)(0x80 | (c & 0x3f));
    out[0] = (char)(lead[n] | c);
    return n;
}
