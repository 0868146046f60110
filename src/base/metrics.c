#include "base/metrics.h"

#include "base/map.h"
#include "base/mem.h"
#include "base/utf8.h"

#include <assert.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>

enum { VALUE_MAX_BYTES = 128, KEY_SIZE = METRICS_LABELS_MAX * (VALUE_MAX_BYTES + 1) };

static const char OTHER[] = "other";

/* Seconds, for a token server: from a cached answer to a long one. */
static const double latency_buckets[] = { 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5,
                                          1,     2.5,    5,     10,   30,    60,   120, 240,  0 };

struct series {
    double value;     /* of a counter or a gauge; the sum of a histogram */
    uint64_t count;   /* of a histogram */
    uint64_t below[]; /* of a histogram, by bucket, not cumulative */
};

struct family {
    const struct metric_def *def; /* borrowed */
    const double *buckets;
    size_t buckets_len;
    size_t labels_len;
    struct map series; /* by label values, each with a NUL; struct series, owned */
};

struct metrics {
    size_t families_len;
    struct family families[];
};

/* --- making --- */

static struct series *add_series(struct family *f, struct str key)
{
    struct series *s = mem_alloc(1, sizeof(*s) + f->buckets_len * sizeof(s->below[0]));

    (void)map_put(&f->series, key, s);
    return s;
}

static void init_family(struct family *f, const struct metric_def *def)
{
    *f = (struct family){ .def = def };
    map_init(&f->series);
    while (f->labels_len < METRICS_LABELS_MAX && def->labels[f->labels_len])
        f->labels_len++;
    if (def->kind == METRIC_HISTOGRAM) {
        f->buckets = def->buckets ? def->buckets : latency_buckets;
        while (f->buckets[f->buckets_len] > 0)
            f->buckets_len++;
        assert(f->buckets_len <= METRICS_BUCKETS_MAX);
    }
    if (f->labels_len == 0) /* shows as 0 before the first event */
        (void)add_series(f, (struct str){ 0 });
}

struct metrics *metrics_new(const struct metric_def *defs, size_t defs_len)
{
    struct metrics *m = mem_alloc(1, sizeof(*m) + defs_len * sizeof(m->families[0]));

    m->families_len = defs_len;
    for (size_t i = 0; i < defs_len; i++)
        init_family(&m->families[i], &defs[i]);
    return m;
}

static void free_family(struct family *f)
{
    struct map_entry *entry, *next;

    MAP_FOREACH(entry, next, &f->series)
        free(map_value(entry));
    map_deinit(&f->series);
    map_init(&f->series);
}

void metrics_free(struct metrics *m)
{
    if (!m)
        return;
    for (size_t i = 0; i < m->families_len; i++)
        free_family(&m->families[i]);
    free(m);
}

/* --- finding a series --- */

/* The label values, each with its NUL. One that is too long is cut, for it comes
 * from outside. */
static struct str make_key(const struct family *f, const char *const *values, char key[KEY_SIZE])
{
    size_t len = 0;

    assert(f->labels_len == 0 || values);
    for (size_t i = 0; i < f->labels_len; i++) {
        size_t n = strnlen(values[i], VALUE_MAX_BYTES);
        memcpy(key + len, values[i], n);
        key[len + n] = '\0';
        len += n + 1;
    }
    return (struct str){ key, len };
}

/* What is new when only one place is left counts as "other" in every label. */
static struct series *find_or_add(struct family *f, const char *const *values)
{
    static const char *const others[METRICS_LABELS_MAX] = { OTHER, OTHER, OTHER };
    char memory[KEY_SIZE];
    struct str key = make_key(f, values, memory);
    struct series *s = map_get(&f->series, key);

    if (!s && map_count(&f->series) >= METRICS_SERIES_MAX - 1) {
        key = make_key(f, others, memory);
        s = map_get(&f->series, key);
    }
    return s ? s : add_series(f, key);
}

static struct family *family_of(struct metrics *m, size_t metric, enum metric_kind kind)
{
    assert(metric < m->families_len);
    assert(m->families[metric].def->kind == kind);
    return &m->families[metric];
}

/* --- counting --- */

void metrics_add(struct metrics *m, size_t metric, const char *const *values, double by)
{
    assert(metric < m->families_len);
    assert(m->families[metric].def->kind == METRIC_GAUGE ||
           (m->families[metric].def->kind == METRIC_COUNTER && by >= 0));

    find_or_add(&m->families[metric], values)->value += by;
}

void metrics_set(struct metrics *m, size_t metric, const char *const *values, double value)
{
    find_or_add(family_of(m, metric, METRIC_GAUGE), values)->value = value;
}

void metrics_set_total(struct metrics *m, size_t metric, const char *const *values, double total)
{
    find_or_add(family_of(m, metric, METRIC_COUNTER), values)->value = total;
}

void metrics_observe(struct metrics *m, size_t metric, const char *const *values, double value)
{
    struct family *f = family_of(m, metric, METRIC_HISTOGRAM);
    struct series *s = find_or_add(f, values);

    s->count++;
    s->value += value;
    for (size_t i = 0; i < f->buckets_len; i++) {
        if (value <= f->buckets[i]) {
            s->below[i]++;
            return;
        }
    }
}

void metrics_clear(struct metrics *m, size_t metric)
{
    free_family(family_of(m, metric, METRIC_GAUGE));
}

/* --- writing --- */

/* Label values escape quotes too; help texts do not (exposition format 0.0.4). One
 * byte that is no UTF-8 would make a scraper refuse the whole page. */
static void write_escaped(struct buf *out, const char *text, bool is_value)
{
    for (size_t n = 1; *text; text += n) {
        n = utf8_sequence(text, strlen(text));
        if (*text == '\\')
            (void)buf_puts(out, "\\\\");
        else if (*text == '\n')
            (void)buf_puts(out, "\\n");
        else if (*text == '"' && is_value)
            (void)buf_puts(out, "\\\"");
        else
            (void)buf_add(out, n > 0 ? text : "?", n > 0 ? n : 1);
        n = n > 0 ? n : 1;
    }
}

static void write_number(struct buf *out, double value)
{
    if (isnan(value))
        (void)buf_puts(out, "NaN");
    else if (isinf(value))
        (void)buf_puts(out, value > 0 ? "+Inf" : "-Inf");
    else
        (void)buf_printf(out, "%.15g", value);
}

/* name{label="value",le="0.5"}; `le` may be NULL. */
static void write_name(struct buf *out, const struct family *f, const char *suffix,
                       const char *values, const char *le)
{
    const char *separator = "{";

    (void)buf_printf(out, "%s%s", f->def->name, suffix);
    for (size_t i = 0; i < f->labels_len; i++) {
        (void)buf_printf(out, "%s%s=\"", separator, f->def->labels[i]);
        write_escaped(out, values, true);
        (void)buf_putc(out, '"');
        values += strlen(values) + 1;
        separator = ",";
    }
    if (le)
        (void)buf_printf(out, "%sle=\"%s\"", separator, le);
    (void)buf_puts(out, f->labels_len > 0 || le ? "} " : " ");
}

static void write_histogram(struct buf *out, const struct family *f, const char *values,
                            const struct series *s)
{
    uint64_t below = 0;
    char le[32];

    for (size_t i = 0; i < f->buckets_len; i++) {
        below += s->below[i];
        (void)snprintf(le, sizeof(le), "%g", f->buckets[i]);
        write_name(out, f, "_bucket", values, le);
        (void)buf_printf(out, "%llu\n", (unsigned long long)below);
    }
    write_name(out, f, "_bucket", values, "+Inf");
    (void)buf_printf(out, "%llu\n", (unsigned long long)s->count);
    write_name(out, f, "_sum", values, NULL);
    write_number(out, s->value);
    (void)buf_putc(out, '\n');
    write_name(out, f, "_count", values, NULL);
    (void)buf_printf(out, "%llu\n", (unsigned long long)s->count);
}

static void write_family(struct buf *out, const struct family *f)
{
    static const char *const kinds[] = {
        [METRIC_COUNTER] = "counter",
        [METRIC_GAUGE] = "gauge",
        [METRIC_HISTOGRAM] = "histogram",
    };
    struct map_entry *entry, *next;

    (void)buf_printf(out, "# HELP %s ", f->def->name);
    write_escaped(out, f->def->help, false);
    (void)buf_printf(out, "\n# TYPE %s %s\n", f->def->name, kinds[f->def->kind]);
    MAP_FOREACH(entry, next, &f->series) {
        const struct series *s = map_value(entry);
        const char *values = map_key(entry).p;
        if (f->def->kind == METRIC_HISTOGRAM) {
            write_histogram(out, f, values, s);
        } else {
            write_name(out, f, "", values, NULL);
            write_number(out, s->value);
            (void)buf_putc(out, '\n');
        }
    }
}

void metrics_write(const struct metrics *m, struct buf *out)
{
    for (size_t i = 0; i < m->families_len; i++)
        write_family(out, &m->families[i]);
}
