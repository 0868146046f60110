#include "script/script.h"

#include "base/mem.h"
#include "base/utf8.h"

#include <stdarg.h>
#include <stdio.h>

static const char *const language_names[SCRIPT_LANGUAGE_COUNT_] = { "lua", "yaml", "rhai" };

static const struct {
    const char *ending;
    enum script_language language;
} endings[] = {
    { ".lua", SCRIPT_LUA },
    { ".yaml", SCRIPT_YAML },
    { ".yml", SCRIPT_YAML },
    { ".rhai", SCRIPT_RHAI },
};

const char *script_language_name(enum script_language language)
{
    return language < SCRIPT_LANGUAGE_COUNT_ ? language_names[language] : "unknown";
}

bool script_language_parse(struct str name, enum script_language *ret)
{
    for (int i = 0; i < SCRIPT_LANGUAGE_COUNT_; i++) {
        if (str_eq(name, language_names[i])) {
            *ret = (enum script_language)i;
            return true;
        }
    }
    return false;
}

bool script_language_of_file(struct str path, enum script_language *ret)
{
    for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
        size_t len = strlen(endings[i].ending);
        if (path.len <= len)
            continue;
        struct str end = { path.p + path.len - len, len };
        if (str_eq(end, endings[i].ending)) {
            *ret = endings[i].language;
            return true;
        }
    }
    return false;
}

/* One line of whole characters: what vsnprintf() cut in the middle is dropped. */
static void make_plain(char *text)
{
    size_t len = strlen(text), i = 0;

    while (i < len) {
        size_t n = utf8_sequence(text + i, len - i);
        if (n == 0 && len - i < 4 && len + 1 == DIAGNOSTIC_MESSAGE_SIZE)
            break;
        if (n == 0)
            text[i] = '?';
        else if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
            text[i] = ' ';
        i += n > 0 ? n : 1;
    }
    text[i] = '\0';
}

struct diagnostic *diagnostics_add(struct diagnostics *d, bool is_warning, unsigned line,
                                   unsigned column, const char *fmt, ...)
{
    *(is_warning ? &d->warnings : &d->errors) += 1;
    if (d->len >= DIAGNOSTICS_MAX)
        return NULL;

    struct diagnostic *item = &d->items[d->len++];
    *item = (struct diagnostic){ .is_warning = is_warning, .line = line, .column = column };
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(item->message, sizeof(item->message), fmt, args);
    va_end(args);
    make_plain(item->message);
    return item;
}

void script_lua_init(struct script_lua *s)
{
    *s = (struct script_lua){ 0 };
    buf_init(&s->text, SCRIPT_LUA_BYTES_MAX);
}

void script_lua_deinit(struct script_lua *s)
{
    buf_deinit(&s->text);
    free(s->line_map);
    s->line_map = NULL;
    s->line_map_len = 0;
}

/* The array doubles whenever its length is a power of two, so it needs no capacity. */
void script_lua_map_line(struct script_lua *s, unsigned line)
{
    size_t len = s->line_map_len;

    if (len >= SCRIPT_LUA_BYTES_MAX)
        return;
    if ((len & (len - 1)) == 0)
        s->line_map = mem_resize(s->line_map, (len > 0 ? 2 * len : 1) * sizeof(*s->line_map));
    s->line_map[s->line_map_len++] = line;
}

unsigned script_lua_line(const struct script_lua *s, unsigned lua_line)
{
    return lua_line > 0 && lua_line <= s->line_map_len ? s->line_map[lua_line - 1] : 0;
}

/* The 1-based place of the byte at `offset`. */
static void place_of(struct str source, size_t offset, unsigned *ret_line, unsigned *ret_column)
{
    *ret_line = *ret_column = 1;
    for (size_t i = 0; i < offset; i++) {
        if (source.p[i] == '\n') {
            ++*ret_line;
            *ret_column = 1;
        } else if ((source.p[i] & 0xc0) != 0x80) {
            ++*ret_column;
        }
    }
}

static bool is_blank(struct str source)
{
    for (size_t i = 0; i < source.len; i++) {
        if (!memchr(" \t\r\n", source.p[i], 4))
            return false;
    }
    return true;
}

static bool check_bytes(enum script_language language, struct str source, struct diagnostics *d)
{
    unsigned line, column;
    const char *nul = memchr(source.p, '\0', source.len);

    if (nul) {
        place_of(source, (size_t)(nul - source.p), &line, &column);
        diagnostics_add(d, false, line, column, "a NUL byte: a policy is text");
        return false;
    }
    for (size_t i = 0; language != SCRIPT_LUA && i < source.len;) {
        size_t n = utf8_sequence(source.p + i, source.len - i);
        if (n == 0) {
            place_of(source, i, &line, &column);
            diagnostics_add(d, false, line, column,
                            "byte 0x%02x is not UTF-8; save the file as UTF-8",
                            (unsigned char)source.p[i]);
            return false;
        }
        i += n;
    }
    return true;
}

bool script_check(enum script_language language, struct str *source, struct diagnostics *d)
{
    if (str_starts(*source, "\xef\xbb\xbf"))
        *source = (struct str){ source->p + 3, source->len - 3 };
    if (source->len > SCRIPT_BYTES_MAX) {
        diagnostics_add(d, false, 0, 0, "the policy has %zu bytes; at most %d are allowed",
                        source->len, SCRIPT_BYTES_MAX);
        return false;
    }
    if (str_starts(*source, "\x1b")) {
        diagnostics_add(d, false, 1, 1, "this is bytecode; send the text of the policy");
        return false;
    }
    if (is_blank(*source)) {
        diagnostics_add(d, false, 0, 0, "the policy is empty");
        return false;
    }
    return check_bytes(language, *source, d);
}
