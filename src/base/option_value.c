/* Values of options: their types from text, and what is allowed in words. */
#include "base/option_internal.h"

#include "base/mem.h"
#include "base/parse.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>

struct unit {
    const char *suffix;
    double factor;
};

static const struct unit duration_units[] = {
    { "ms", 1 }, { "s", 1000 }, { "m", 60 * 1000 }, { "h", 3600 * 1000 }, { "", 1000 },
};
static const struct unit size_units[] = {
    { "k", 1024 },
    { "m", 1024 * 1024 },
    { "g", 1024 * 1024 * 1024 },
    { "t", 1024.0 * 1024 * 1024 * 1024 },
    { "", 1 },
};

static void *slot(const struct option *o, void *values)
{
    return (char *)values + o->offset;
}

static bool has_bounds(const struct option *o)
{
    return o->min != 0 || o->max != 0;
}

static bool in_bounds(const struct option *o, double value)
{
    return !has_bounds(o) || (value >= o->min && value <= o->max);
}

/* --- text to value; false when it is none of the type --- */

static bool parse_flag(const struct option *o, struct str text, void *values)
{
    bool is_true = str_eq(text, "true");

    if (!is_true && !str_eq(text, "false"))
        return false;
    *(bool *)slot(o, values) = is_true;
    return true;
}

static bool parse_text(const struct option *o, struct str text, void *values)
{
    char **ret = slot(o, values);

    free(*ret);
    *ret = mem_copy(text);
    return true;
}

static bool parse_int(const struct option *o, struct str text, void *values)
{
    int64_t value;

    if (!parse_i64_str(text, &value) || !in_bounds(o, (double)value))
        return false;
    *(int64_t *)slot(o, values) = value;
    return true;
}

static bool parse_double(const struct option *o, struct str text, void *values)
{
    double value;

    if (!parse_double_str(text, &value) || !in_bounds(o, value))
        return false;
    *(double *)slot(o, values) = value;
    return true;
}

/* "1.5h": up to the first letter a number, then a unit (the empty one is last). */
static bool parse_amount(const struct option *o, struct str text, const struct unit *units,
                         void *values)
{
    const double too_much = 9007199254740992.0; /* 2^53: a double is exact below */
    size_t digits = 0;
    double amount;

    while (digits < text.len &&
           ((text.p[digits] >= '0' && text.p[digits] <= '9') || text.p[digits] == '.'))
        digits++;
    struct str suffix = { text.p + digits, text.len - digits };
    while (units->suffix[0] && !str_ieq(suffix, units->suffix))
        units++;
    if (!str_ieq(suffix, units->suffix) ||
        !parse_double_str((struct str){ text.p, digits }, &amount))
        return false;
    amount = round(amount * units->factor);
    if (amount >= too_much || !in_bounds(o, amount))
        return false;
    *(uint64_t *)slot(o, values) = (uint64_t)amount;
    return true;
}

static bool parse_duration(const struct option *o, struct str text, void *values)
{
    return parse_amount(o, text, duration_units, values);
}

static bool parse_size(const struct option *o, struct str text, void *values)
{
    return parse_amount(o, text, size_units, values);
}

static bool parse_choice(const struct option *o, struct str text, void *values)
{
    for (int i = 0; o->choices[i]; i++) {
        if (str_eq(text, o->choices[i])) {
            *(int *)slot(o, values) = i;
            return true;
        }
    }
    return false;
}

static bool parse_item(const struct option *o, struct str text, void *values)
{
    struct option_list *list = slot(o, values);
    const char *equals = text.len > 0 ? memchr(text.p, '=', text.len) : NULL;

    if (text.len == 0 || ((o->flags & OPTION_PAIR) && (!equals || equals == text.p)))
        return false;
    list->items = mem_resize(list->items, (list->len + 1) * sizeof(*list->items));
    list->items[list->len++] = mem_copy(text);
    return true;
}

/* --- what is allowed, in words --- */

static void describe_number(const struct option *o, const char *noun, char *ret, size_t size)
{
    if (has_bounds(o))
        (void)snprintf(ret, size, "%s from %.10g to %.10g", noun, o->min, o->max);
    else
        (void)snprintf(ret, size, "%s", noun);
}

/* In the largest unit that says it without a fraction; when that takes more digits than
 * anybody reads, in the largest there is, cut to a tenth: still within the bound. */
static void print_amount(double amount, const struct unit *units, char *ret, size_t size)
{
    const double readable_max = 99999;
    struct unit best = { "", 1 }, largest = best;

    for (; units->suffix[0]; units++) {
        if (amount < units->factor)
            continue;
        if (units->factor > largest.factor)
            largest = *units;
        if (fmod(amount, units->factor) == 0 && units->factor >= best.factor)
            best = *units;
    }
    if (amount / best.factor <= readable_max)
        (void)snprintf(ret, size, "%.10g%s", amount / best.factor, best.suffix);
    else
        (void)snprintf(ret, size, "%.10g%s", floor(amount / largest.factor * 10) / 10,
                       largest.suffix);
}

static void describe_amount(const struct option *o, const char *noun, const struct unit *units,
                            char *ret, size_t size)
{
    char min[32], max[32];

    if (!has_bounds(o)) {
        (void)snprintf(ret, size, "%s", noun);
        return;
    }
    print_amount(o->min, units, min, sizeof(min));
    print_amount(o->max, units, max, sizeof(max));
    (void)snprintf(ret, size, "%s from %s to %s", noun, min, max);
}

static void describe_choices(const struct option *o, char *ret, size_t size)
{
    struct buf out;

    buf_init_fixed(&out, ret, size);
    (void)buf_puts(&out, "one of ");
    for (size_t i = 0; o->choices[i]; i++)
        (void)buf_printf(&out, "%s%s", i > 0 ? ", " : "", o->choices[i]);
    (void)buf_cstr(&out);
}

void option_describe(const struct option *o, char ret[OPTION_ALLOWED_SIZE])
{
    size_t size = OPTION_ALLOWED_SIZE;

    switch (o->type) {
    case OPTION_FLAG:
        (void)snprintf(ret, size, "true or false");
        break;
    case OPTION_TEXT:
        (void)snprintf(ret, size, "a text");
        break;
    case OPTION_INT:
        describe_number(o, "a whole number", ret, size);
        break;
    case OPTION_DOUBLE:
        describe_number(o, "a number", ret, size);
        break;
    case OPTION_DURATION:
        describe_amount(o, "a duration (500ms, 10s, 5m, 1h)", duration_units, ret, size);
        break;
    case OPTION_SIZE:
        describe_amount(o, "a size (64k, 32m, 1g)", size_units, ret, size);
        break;
    case OPTION_CHOICE:
        describe_choices(o, ret, size);
        break;
    case OPTION_LIST:
        (void)snprintf(ret, size, o->flags & OPTION_PAIR ? "KEY=VALUE" : "a non-empty text");
        break;
    }
}

/* --- storing --- */

static void free_list(struct option_list *list)
{
    for (size_t i = 0; i < list->len; i++)
        free(list->items[i]);
    free(list->items);
    *list = (struct option_list){ 0 };
}

void option_free_value(const struct option *o, void *values)
{
    if (o->type == OPTION_LIST) {
        free_list(slot(o, values));
    } else if (o->type == OPTION_TEXT) {
        char **text = slot(o, values);
        free(*text);
        *text = NULL;
    }
}

static int refuse(const struct option *o, const char *where, struct str text, struct err *err)
{
    char allowed[OPTION_ALLOWED_SIZE];

    option_describe(o, allowed);
    return err_param(err, ERR_INVALID, o->name, "%s: '%.*s' is not %s", where, STR_ARG(text),
                     allowed);
}

int option_set(struct option_layer *layer, const struct option *o, const char *where,
               struct str text, struct err *err)
{
    static bool (*const parsers[])(const struct option *, struct str, void *) = {
        [OPTION_FLAG] = parse_flag,         [OPTION_TEXT] = parse_text,
        [OPTION_INT] = parse_int,           [OPTION_DOUBLE] = parse_double,
        [OPTION_DURATION] = parse_duration, [OPTION_SIZE] = parse_size,
        [OPTION_CHOICE] = parse_choice,     [OPTION_LIST] = parse_item,
    };
    size_t row = (size_t)(o - layer->program->options);

    if (text.len > 0 && memchr(text.p, '\0', text.len))
        return err_param(err, ERR_INVALID, o->name, "%s: holds a NUL character", where);
    if (o->type == OPTION_LIST && !layer->is_set[row])
        free_list(slot(o, layer->values));
    layer->is_set[row] = true;
    if (!parsers[o->type](o, text, layer->values))
        return refuse(o, where, text, err);
    return 0;
}

int option_set_words(struct option_layer *layer, const struct option *o, const char *where,
                     const char *text, struct err *err)
{
    static const char blanks[] = " \t\n";

    if (o->type != OPTION_LIST)
        return option_set(layer, o, where, str_of(text), err);
    for (text += strspn(text, blanks); *text; text += strspn(text, blanks)) {
        struct str word = { text, strcspn(text, blanks) };
        int rc = option_set(layer, o, where, word, err);
        if (rc < 0)
            return rc;
        text += word.len;
    }
    return 0;
}
