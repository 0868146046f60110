#include "keeper/diff.h"

#include "base/hash.h"
#include "base/mem.h"

/* A line with its newline; the last one may have none, and is another line then. */
struct line {
    struct str text;
    uint64_t hash;
};

struct side {
    struct line *lines;
    bool *is_changed; /* by line */
    size_t len;
};

/* What is compared: the lines between the common ends of both texts. */
struct middle {
    const struct line *from, *to;
    bool *removed, *added;
    int from_len, to_len;
};

/* --- Lines ------------------------------------------------------------------------ */

static size_t count_lines(struct str text)
{
    size_t count = text.len > 0 && text.p[text.len - 1] != '\n';

    for (size_t i = 0; i < text.len; i++)
        count += text.p[i] == '\n';
    return count;
}

static void side_init(struct side *s, struct str text)
{
    s->len = count_lines(text);
    s->lines = mem_alloc(s->len + 1, sizeof(*s->lines));
    s->is_changed = mem_alloc(s->len + 1, sizeof(*s->is_changed));
    for (size_t i = 0; i < s->len; i++) {
        const char *end = memchr(text.p, '\n', text.len);
        size_t len = end ? (size_t)(end - text.p) + 1 : text.len;
        s->lines[i] = (struct line){ { text.p, len }, hash_bytes(text.p, len) };
        text.p += len;
        text.len -= len;
    }
}

static void side_deinit(struct side *s)
{
    free(s->lines);
    free(s->is_changed);
}

static bool is_same(const struct line *a, const struct line *b)
{
    return a->hash == b->hash && a->text.len == b->text.len &&
           memcmp(a->text.p, b->text.p, a->text.len) == 0;
}

/* --- The shortest script --------------------------------------------------------------- */

/*
 * furthest[d][d + k]: how far into the old lines one gets with d changes, ending on diagonal
 * k = (old index) - (new index). Each round is kept, to walk back from the end.
 */
struct search {
    const struct middle *m;
    int *furthest[DIFF_EDITS_MAX + 1];
    int rounds;
};

/* One change more, down (a line added) or right (a line removed), then along what is same. */
static int advance(const struct search *s, int d, int k)
{
    const int *before = d > 0 ? s->furthest[d - 1] + (d - 1) : NULL;
    int from = 0;

    if (before && (k == -d || (k != d && before[k - 1] < before[k + 1])))
        from = before[k + 1];
    else if (before)
        from = before[k - 1] + 1;
    for (int to = from - k; from < s->m->from_len && to < s->m->to_len; from++, to++) {
        if (!is_same(&s->m->from[from], &s->m->to[to]))
            break;
    }
    return from;
}

/* The number of changes; -1: more than DIFF_EDITS_MAX. */
static int search(struct search *s)
{
    for (int d = 0; d <= DIFF_EDITS_MAX; d++) {
        s->furthest[d] = mem_alloc((size_t)(2 * d + 1), sizeof(int));
        s->rounds = d + 1;
        for (int k = -d; k <= d; k += 2) {
            int from = advance(s, d, k);
            s->furthest[d][d + k] = from;
            if (from >= s->m->from_len && from - k >= s->m->to_len)
                return d;
        }
    }
    return -1;
}

static void walk_back(const struct search *s, int changes)
{
    int from = s->m->from_len, to = s->m->to_len;

    for (int d = changes; d > 0; d--) {
        const int *before = s->furthest[d - 1] + (d - 1);
        int k = from - to;
        if (k == -d || (k != d && before[k - 1] < before[k + 1])) {
            from = before[k + 1];
            to = from - (k + 1);
            s->m->added[to] = true;
        } else {
            from = before[k - 1];
            to = from - (k - 1);
            s->m->removed[from] = true;
        }
    }
}

static void mark(const struct middle *m)
{
    AUTO(free_ptr) struct search *s = mem_alloc(1, sizeof(*s));

    s->m = m;
    int changes = search(s);
    if (changes >= 0) {
        walk_back(s, changes);
    } else {
        memset(m->removed, true, (size_t)m->from_len * sizeof(bool));
        memset(m->added, true, (size_t)m->to_len * sizeof(bool));
    }
    for (int d = 0; d < s->rounds; d++)
        free(s->furthest[d]);
}

static void compare(struct side *from, struct side *to)
{
    size_t start = 0, end = 0;

    while (start < from->len && start < to->len && is_same(&from->lines[start], &to->lines[start]))
        start++;
    while (end < from->len - start && end < to->len - start &&
           is_same(&from->lines[from->len - 1 - end], &to->lines[to->len - 1 - end]))
        end++;
    mark(&(struct middle){
        .from = from->lines + start,
        .to = to->lines + start,
        .removed = from->is_changed + start,
        .added = to->is_changed + start,
        .from_len = (int)(from->len - start - end),
        .to_len = (int)(to->len - start - end),
    });
}

/* --- Hunks ------------------------------------------------------------------------------ */

struct span {
    size_t from, to; /* first lines */
    size_t from_len, to_len;
};

/* The next run of changed lines at or after the end of `at`; false: none. */
static bool next_change(const struct side *from, const struct side *to, struct span *at)
{
    size_t i = at->from + at->from_len, j = at->to + at->to_len;

    while (i < from->len && !from->is_changed[i] && !to->is_changed[j]) {
        i++;
        j++;
    }
    *at = (struct span){ .from = i, .to = j };
    while (i + at->from_len < from->len && from->is_changed[i + at->from_len])
        at->from_len++;
    while (j + at->to_len < to->len && to->is_changed[j + at->to_len])
        at->to_len++;
    return at->from_len + at->to_len > 0;
}

static void put_line(struct buf *out, char mark, const struct line *line)
{
    (void)buf_putc(out, mark);
    (void)buf_add(out, line->text.p, line->text.len);
    if (line->text.p[line->text.len - 1] != '\n')
        (void)buf_puts(out, "\n\\ No newline at end of file\n");
}

/* "12,3"; a side without lines is named by the line before it. */
static void put_range(struct buf *out, char mark, size_t first, size_t len)
{
    (void)buf_printf(out, "%c%zu", mark, len > 0 ? first + 1 : first);
    if (len != 1)
        (void)buf_printf(out, ",%zu", len);
}

static void put_hunk(struct buf *out, const struct side *from, const struct side *to,
                     const struct span *h)
{
    size_t i = h->from, j = h->to;

    (void)buf_puts(out, "@@ ");
    put_range(out, '-', h->from, h->from_len);
    (void)buf_putc(out, ' ');
    put_range(out, '+', h->to, h->to_len);
    (void)buf_puts(out, " @@\n");
    while (i < h->from + h->from_len || j < h->to + h->to_len) {
        if (i < h->from + h->from_len && from->is_changed[i])
            put_line(out, '-', &from->lines[i++]);
        else if (j < h->to + h->to_len && to->is_changed[j])
            put_line(out, '+', &to->lines[j++]);
        else {
            put_line(out, ' ', &from->lines[i++]);
            j++;
        }
    }
}

/* From the first change to the last one that is near, with the lines around. */
static struct span widen(const struct side *from, const struct span *first, const struct span *last)
{
    size_t before = first->from < DIFF_CONTEXT_LINES ? first->from : DIFF_CONTEXT_LINES;
    size_t from_end = last->from + last->from_len, to_end = last->to + last->to_len;
    size_t after = from->len - from_end;

    if (after > DIFF_CONTEXT_LINES)
        after = DIFF_CONTEXT_LINES;
    return (struct span){
        .from = first->from - before,
        .to = first->to - before,
        .from_len = from_end + after - (first->from - before),
        .to_len = to_end + after - (first->to - before),
    };
}

static void put_hunks(struct buf *out, const struct side *from, const struct side *to)
{
    struct span next = { 0 };
    bool more = next_change(from, to, &next);

    while (more) {
        struct span first = next, last = next;
        while ((more = next_change(from, to, &next))) {
            if (next.from - (last.from + last.from_len) > (size_t)2 * DIFF_CONTEXT_LINES)
                break;
            last = next;
        }
        struct span hunk = widen(from, &first, &last);
        put_hunk(out, from, to, &hunk);
    }
}

bool diff_unified(struct diff_side from, struct diff_side to, struct buf *out)
{
    struct side a, b;

    if (from.text.len == to.text.len &&
        (from.text.len == 0 || memcmp(from.text.p, to.text.p, from.text.len) == 0))
        return false;
    side_init(&a, from.text);
    side_init(&b, to.text);
    compare(&a, &b);
    (void)buf_printf(out, "--- %s\n+++ %s\n", from.label, to.label);
    put_hunks(out, &a, &b);
    side_deinit(&a);
    side_deinit(&b);
    return true;
}
