/*
 * Configuration files, in both syntaxes, against one another: what one of them is
 * taken to say is written down in either, plainly, and must load to the same. The
 * first byte of the input chooses the syntax.
 */
#include "base/mem.h"
#include "base/option.h"
#include "base/utf8.h"

#include "expect.h"

#include <stdint.h>
#include <stdio.h>

enum { TEXT_MAX = 64 * 1024 * 1024 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct values {
    bool flag;
    bool never;
    char *text;
    int64_t whole;
    double real;
    uint64_t duration_ms;
    uint64_t size_bytes;
    int choice;
    struct option_list list;
    struct option_list pairs;
};

static const char *const choices[] = { "error", "warn", "info", NULL };

#define AT(member) .offset = offsetof(struct values, member)

/* clang-format off */
static const struct option rows[] = {
    { .name = "flag",          .type = OPTION_FLAG,     AT(flag)        },
    { .name = "text",          .type = OPTION_TEXT,     AT(text)        },
    { .name = "whole-number",  .type = OPTION_INT,      AT(whole), .min = -5, .max = 1000000 },
    { .name = "real",          .type = OPTION_DOUBLE,   AT(real)        },
    { .name = "duration",      .type = OPTION_DURATION, AT(duration_ms) },
    { .name = "size",          .type = OPTION_SIZE,     AT(size_bytes)  },
    { .name = "choice",        .type = OPTION_CHOICE,   AT(choice), .choices = choices },
    { .name = "list",          .type = OPTION_LIST,     AT(list)        },
    { .name = "label",         .type = OPTION_LIST,     AT(pairs), .flags = OPTION_PAIR },
    { .name = "not-in-a-file", .type = OPTION_FLAG,     AT(never), .flags = OPTION_NO_FILE },
    { 0 },
};
/* clang-format on */

static const struct option_program program = {
    .name = "fuzz",
    .usage = "[OPTION]...",
    .env_prefix = "FUZZ_",
    .options = rows,
};

/* Quoted so that YAML and TOML read the same: all but plain ASCII by number. */
static void quote(struct buf *out, struct str s)
{
    (void)buf_putc(out, '"');
    for (size_t i = 0; i < s.len;) {
        size_t n = utf8_sequence(s.p + i, s.len - i);
        uint32_t c = (unsigned char)s.p[i];

        expect(n > 0); /* neither reader may let through what is not UTF-8 */
        if (n > 1)
            c &= 0x7fU >> n;
        for (size_t k = 1; k < n; k++)
            c = c << 6 | ((unsigned char)s.p[i + k] & 0x3f);
        if (c > ' ' && c < 0x7f && c != '"' && c != '\\')
            (void)buf_putc(out, (char)c);
        else
            (void)buf_printf(out, "\\U%08x", c);
        i += n;
    }
    (void)buf_putc(out, '"');
}

struct syntax {
    const char *file_name;
    const char *assign;
    const char *pair; /* before each key of a mapping: lifts YAML's limit of 1024 characters */
};

static const struct syntax syntaxes[] = {
    { "fuzz.yaml", ": ", "? " },
    { "fuzz.toml", " = ", "" },
};

static void write_list(struct buf *out, const struct syntax *syntax, const char *name,
                       const struct option_list *list)
{
    if (list->len == 0)
        return;
    (void)buf_printf(out, "%s%s[", name, syntax->assign);
    for (size_t i = 0; i < list->len; i++) {
        quote(out, str_of(list->items[i]));
        (void)buf_puts(out, ", ");
    }
    (void)buf_puts(out, "]\n");
}

static void write_pairs(struct buf *out, const struct syntax *syntax, const char *name,
                        const struct option_list *list)
{
    if (list->len == 0)
        return;
    (void)buf_printf(out, "%s%s{ ", name, syntax->assign);
    for (size_t i = 0; i < list->len; i++) {
        const char *pair = list->items[i], *equals = strchr(pair, '=');

        expect(equals && equals > pair);
        (void)buf_printf(out, "%s%s", i > 0 ? ", " : "", syntax->pair);
        quote(out, (struct str){ pair, (size_t)(equals - pair) });
        (void)buf_puts(out, syntax->assign);
        quote(out, str_of(equals + 1));
    }
    (void)buf_puts(out, " }\n");
}

static void write_values(struct buf *out, const struct syntax *syntax, const struct values *v)
{
    const char *is = syntax->assign;

    (void)buf_printf(out, "flag%s%s\n", is, v->flag ? "true" : "false");
    (void)buf_printf(out, "whole_number%s%lld\n", is, (long long)v->whole);
    (void)buf_printf(out, "real%s%.17g\n", is, v->real);
    (void)buf_printf(out, "duration%s\"%llums\"\n", is, (unsigned long long)v->duration_ms);
    (void)buf_printf(out, "size%s%llu\n", is, (unsigned long long)v->size_bytes);
    (void)buf_printf(out, "choice%s\"%s\"\n", is, choices[v->choice]);
    write_list(out, syntax, "list", &v->list);
    write_pairs(out, syntax, "label", &v->pairs);
    if (v->text) {
        (void)buf_printf(out, "text%s", is);
        quote(out, str_of(v->text));
        (void)buf_putc(out, '\n');
    }
}

static bool same_lists(const struct option_list *a, const struct option_list *b)
{
    if (a->len != b->len)
        return false;
    for (size_t i = 0; i < a->len; i++) {
        if (strcmp(a->items[i], b->items[i]) != 0)
            return false;
    }
    return true;
}

static bool same(const struct values *a, const struct values *b)
{
    bool same_text = a->text && b->text ? strcmp(a->text, b->text) == 0 : a->text == b->text;

    return same_text && a->flag == b->flag && a->whole == b->whole &&
           memcmp(&a->real, &b->real, sizeof(a->real)) == 0 && a->duration_ms == b->duration_ms &&
           a->size_bytes == b->size_bytes && a->choice == b->choice &&
           same_lists(&a->list, &b->list) && same_lists(&a->pairs, &b->pairs);
}

static void check_rewritten(const struct syntax *syntax, const struct values *expected)
{
    struct values again = { 0 };
    struct buf out;
    struct err err;

    buf_init(&out, TEXT_MAX);
    write_values(&out, syntax, expected);
    expect(!out.overflowed);
    int rc = options_from_file_text(&program, syntax->file_name, buf_str(&out), &again, &err);
    expect(rc == 0 && same(expected, &again));
    options_free(&program, &again);
    buf_deinit(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct values v = { 0 };
    struct err err = { 0 };

    if (size == 0)
        return 0;
    const struct syntax *syntax = &syntaxes[data[0] == 'T'];
    struct str text = { (const char *)data + 1, size - 1 };
    int rc = options_from_file_text(&program, syntax->file_name, text, &v, &err);
    if (rc == 0) {
        check_rewritten(&syntaxes[0], &v);
        check_rewritten(&syntaxes[1], &v);
    } else {
        expect(rc == ERR_INVALID && str_starts(str_of(err.msg), syntax->file_name));
    }
    options_free(&program, &v);
    return 0;
}
