/* The header comment of a script: its `@` tags. */
#include "script/script.h"

#include "base/utf8.h"

enum { TAG_COUNT = 3 };

struct tag {
    const char *name;
    char *value;
    size_t size;
};

/* Copied as far as it fits, whole characters only, without control characters. */
static void set_value(const struct tag *tag, struct str text)
{
    size_t used = 0;

    for (size_t i = 0; i < text.len;) {
        size_t n = utf8_sequence(text.p + i, text.len - i);
        if (n > 0 && used + n >= tag->size)
            break;
        if (n > 0 && (unsigned char)text.p[i] >= ' ' && text.p[i] != 0x7f) {
            memcpy(tag->value + used, text.p + i, n);
            used += n;
        }
        i += n > 0 ? n : 1;
    }
    tag->value[used] = '\0';
}

/* The tag that `text` begins with, as a word of its own; NULL for none. */
static const struct tag *tag_at(struct str text, const struct tag *tags)
{
    for (size_t i = 0; i < TAG_COUNT; i++) {
        size_t len = strlen(tags[i].name);
        if (str_starts(text, tags[i].name) &&
            (text.len == len || text.p[len] == ' ' || text.p[len] == '\t'))
            return &tags[i];
    }
    return NULL;
}

/* A value runs to the next known tag or to the end of the line. The first of a name wins. */
static void read_line(struct str line, const struct tag *tags)
{
    const struct tag *open = NULL;
    size_t start = 0;

    for (size_t i = 0; i <= line.len; i++) {
        struct str rest = { line.p + i, line.len - i };
        bool starts_word = i == 0 || line.p[i - 1] == ' ' || line.p[i - 1] == '\t';
        const struct tag *next = rest.len > 0 && starts_word ? tag_at(rest, tags) : NULL;

        if (!next && rest.len > 0)
            continue;
        if (open && open->value[0] == '\0')
            set_value(open, str_trim((struct str){ line.p + start, i - start }));
        open = next;
        start = next ? i + strlen(next->name) : 0;
    }
}

void script_header_read(struct str source, const char *mark, struct script_header *ret)
{
    const struct tag tags[TAG_COUNT] = {
        { "@name", ret->name, sizeof(ret->name) },
        { "@version", ret->version, sizeof(ret->version) },
        { "@description", ret->description, sizeof(ret->description) },
    };

    *ret = (struct script_header){ 0 };
    while (source.len > 0) {
        const char *newline = memchr(source.p, '\n', source.len);
        struct str line = { source.p, newline ? (size_t)(newline - source.p) : source.len };
        size_t eaten = line.len + (newline ? 1 : 0);

        source = (struct str){ source.p + eaten, source.len - eaten };
        if (line.len > 0 && line.p[line.len - 1] == '\r')
            line.len--;
        line = str_trim(line);
        if (line.len == 0)
            continue;
        if (!str_starts(line, mark))
            return;
        read_line((struct str){ line.p + strlen(mark), line.len - strlen(mark) }, tags);
    }
}
