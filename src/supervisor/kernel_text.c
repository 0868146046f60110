#include "supervisor/kernel_text.h"

#include "base/parse.h"

#include <string.h>

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n';
}

static void skip(struct str *s, size_t n)
{
    s->p += n;
    s->len -= n;
}

bool kernel_text_line(struct str *text, struct str *ret_line)
{
    if (text->len == 0)
        return false;
    const char *end = memchr(text->p, '\n', text->len);
    size_t len = end ? (size_t)(end - text->p) : text->len;
    *ret_line = (struct str){ text->p, len };
    skip(text, end ? len + 1 : len);
    return true;
}

bool kernel_text_word(struct str *text, struct str *ret_word)
{
    size_t len = 0;

    while (text->len > 0 && is_blank(text->p[0]))
        skip(text, 1);
    while (len < text->len && !is_blank(text->p[len]))
        len++;
    if (len == 0)
        return false;
    *ret_word = (struct str){ text->p, len };
    skip(text, len);
    return true;
}

bool kernel_text_number(struct str text, const char *key, uint64_t *ret)
{
    struct str line, word;
    size_t key_len = strlen(key);

    while (kernel_text_line(&text, &line)) {
        if (!str_starts(line, key))
            continue;
        skip(&line, key_len);
        if (line.len > 0 && line.p[0] == ':')
            skip(&line, 1);
        else if (line.len == 0 || !is_blank(line.p[0]))
            continue; /* a longer key that only begins so */
        return kernel_text_word(&line, &word) && parse_u64_str(word, ret);
    }
    return false;
}
