#include "http/sse.h"

static const char bom[] = "\xef\xbb\xbf";

void sse_init(struct sse_parser *p)
{
    *p = (struct sse_parser){ .skip_bom = true };
    buf_init(&p->partial, SSE_EVENT_BYTES_MAX);
}

void sse_deinit(struct sse_parser *p)
{
    buf_deinit(&p->partial);
}

/* --- Where lines and events end ----------------------------------------- */

/*
 * Length of the first line of `s`, which is not empty, with its end (CR, LF or
 * CR LF), 0 while it has none. A CR that is the last byte may be half of CR LF: it
 * ends the line only with `cr_is_whole`.
 */
static size_t line_size(struct str s, bool cr_is_whole, size_t *ret_text_len)
{
    if (s.p[0] == '\n') { /* half of all lines */
        *ret_text_len = 0;
        return 1;
    }
    const char *lf = memchr(s.p, '\n', s.len);
    size_t len = lf ? (size_t)(lf - s.p) : s.len;
    const char *cr = memchr(s.p, '\r', len);

    *ret_text_len = cr ? (size_t)(cr - s.p) : len;
    if (!cr)
        return lf ? len + 1 : 0;
    if (cr + 1 == lf)
        return len + 1;
    if (cr + 1 == s.p + s.len && !cr_is_whole)
        return 0;
    return *ret_text_len + 1;
}

/*
 * Length of the first event in `s` with the blank line that ends it, 0 while it
 * is not whole. Bytes before *scanned are known to hold no end; on 0 it moves to
 * the line that is not whole.
 */
static size_t event_size(struct str s, bool cr_is_whole, size_t *scanned)
{
    size_t at = *scanned, size, text_len;

    while (at < s.len) {
        size = line_size((struct str){ s.p + at, s.len - at }, cr_is_whole, &text_len);
        if (size == 0)
            break;
        at += size;
        if (text_len == 0)
            return at;
        *scanned = at;
    }
    return 0;
}

/* --- One event ---------------------------------------------------------- */

/* Fields of one event; the first data line is a view, more of them are joined. */
struct fields {
    struct sse_event event;
    struct buf joined;
};

static void add_data(struct fields *f, struct str value)
{
    if (!f->event.data.p) {
        f->event.data = value;
        return;
    }
    if (!f->joined.p)
        (void)buf_add(&f->joined, f->event.data.p, f->event.data.len);
    (void)buf_putc(&f->joined, '\n');
    (void)buf_add(&f->joined, value.p, value.len);
    f->event.data = buf_str(&f->joined);
}

static void add_line(struct fields *f, struct str line)
{
    const char *colon = memchr(line.p, ':', line.len);
    struct str name = { line.p, colon ? (size_t)(colon - line.p) : line.len };
    struct str value = { line.p + line.len, 0 };

    if (colon)
        value = (struct str){ colon + 1, line.len - name.len - 1 };
    if (value.len > 0 && value.p[0] == ' ')
        value = (struct str){ value.p + 1, value.len - 1 };
    if (str_eq(name, "data"))
        add_data(f, value);
    else if (str_eq(name, "event"))
        f->event.name = value;
    else if (str_eq(name, "id") && (value.len == 0 || !memchr(value.p, '\0', value.len)))
        f->event.id = value;
}

static struct str without_bom(struct sse_parser *p, struct str raw)
{
    bool skip = p->skip_bom && str_starts(raw, bom);

    p->skip_bom = false;
    return skip ? (struct str){ raw.p + strlen(bom), raw.len - strlen(bom) } : raw;
}

/* False when the caller wants no more; `p` may be gone then. */
static bool give_event(struct sse_parser *p, struct str raw, sse_event_fn *on_event, void *ctx)
{
    struct fields f = { .event.raw = without_bom(p, raw) };
    struct str rest = f.event.raw;
    size_t size, text_len;

    buf_init(&f.joined, SSE_EVENT_BYTES_MAX);
    while (rest.len > 0 && (size = line_size(rest, true, &text_len)) > 0) {
        if (text_len > 0)
            add_line(&f, (struct str){ rest.p, text_len });
        rest = (struct str){ rest.p + size, rest.len - size };
    }
    bool go_on = on_event(ctx, &f.event);
    buf_deinit(&f.joined);
    return go_on;
}

/* --- Feeding ------------------------------------------------------------ */

static int too_large(struct err *err)
{
    return err_set(err, ERR_LIMIT, "an event of the stream is larger than %d bytes",
                   SSE_EVENT_BYTES_MAX);
}

static struct str skip(struct str s, size_t len)
{
    return (struct str){ s.p + len, s.len - len };
}

static bool ends_in_cr(struct str s)
{
    return s.len > 0 && s.p[s.len - 1] == '\r';
}

/* Give the event that `partial` holds, when it is whole. */
static bool give_partial(struct sse_parser *p, bool cr_is_whole, sse_event_fn *on_event, void *ctx)
{
    if (event_size(buf_str(&p->partial), cr_is_whole, &p->scanned) == 0)
        return true;
    /* Taken out first: the callback may let go of the parser. */
    struct buf whole = p->partial;
    buf_init(&p->partial, SSE_EVENT_BYTES_MAX);
    p->scanned = 0;
    bool go_on = give_event(p, buf_str(&whole), on_event, ctx);
    buf_deinit(&whole);
    return go_on;
}

/*
 * Move the next line of `bytes` behind `partial`, so that a read full of events
 * is not copied for the sake of the first. 1 when the line is whole now.
 */
static int extend_partial(struct sse_parser *p, struct str *bytes, struct err *err)
{
    size_t text_len, size = line_size(*bytes, false, &text_len);
    size_t len = size > 0 ? size : bytes->len;

    if (!buf_add(&p->partial, bytes->p, len))
        return too_large(err);
    *bytes = skip(*bytes, len);
    return size > 0;
}

/* 1: go on with `bytes`, which begin a new event; 0: the caller wants no more. */
static int finish_partial(struct sse_parser *p, struct str *bytes, sse_event_fn *on_event,
                          void *ctx, struct err *err)
{
    while (buf_len(&p->partial) > 0 && bytes->len > 0) {
        if (ends_in_cr(buf_str(&p->partial)) && bytes->p[0] != '\n') {
            if (!give_partial(p, true, on_event, ctx))
                return 0;
            if (buf_len(&p->partial) == 0)
                break;
        }
        int rc = extend_partial(p, bytes, err);
        if (rc < 0)
            return rc;
        if (rc > 0 && !give_partial(p, false, on_event, ctx))
            return 0;
    }
    return 1;
}

int sse_feed(struct sse_parser *p, struct str bytes, sse_event_fn *on_event, void *ctx,
             struct err *err)
{
    size_t scanned = 0;
    int rc = finish_partial(p, &bytes, on_event, ctx, err);

    if (rc <= 0)
        return rc;
    for (size_t size; bytes.len > 0 && (size = event_size(bytes, false, &scanned)) > 0;) {
        if (size > SSE_EVENT_BYTES_MAX)
            return too_large(err);
        if (!give_event(p, (struct str){ bytes.p, size }, on_event, ctx))
            return 0;
        bytes = skip(bytes, size);
        scanned = 0;
    }
    if (bytes.len == 0)
        return 0;
    p->scanned = scanned;
    return buf_add(&p->partial, bytes.p, bytes.len) ? 0 : too_large(err);
}

/* --- Writing ------------------------------------------------------------ */

/* A name or an id ends at its first line break: none can begin a field of its own. */
static void write_field(struct buf *out, const char *field, struct str value)
{
    size_t text_len;

    if (value.len > 0) {
        (void)line_size(value, true, &text_len);
        value.len = text_len;
    }
    (void)buf_puts(out, field);
    (void)buf_add(out, value.p, value.len);
    (void)buf_putc(out, '\n');
}

void sse_write(struct buf *out, const char *id, const char *name, struct str data)
{
    size_t size;

    if (!data.p)
        data = str_of("");
    if (id)
        write_field(out, "id: ", str_of(id));
    if (name)
        write_field(out, "event: ", str_of(name));
    do {
        size_t text_len = 0;
        size = data.len > 0 ? line_size(data, true, &text_len) : 0;
        write_field(out, "data: ", (struct str){ data.p, text_len });
        data = skip(data, size);
    } while (size > 0);
    (void)buf_putc(out, '\n');
}

void sse_write_comment(struct buf *out, const char *text)
{
    write_field(out, ": ", str_of(text));
    (void)buf_putc(out, '\n');
}
