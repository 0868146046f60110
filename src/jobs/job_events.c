#include "jobs/job_events.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
    MARKER_TEXT_MAX = 512, /* "[ERROR] " and one message */
    MARKER_BYTES_MAX = MARKER_TEXT_MAX + 16,
};

static size_t hard_max(const struct job_events *e)
{
    return e->bytes_max + JOB_EVENTS_SLACK_BYTES;
}

void job_events_init(struct job_events *e, size_t bytes_max)
{
    *e = (struct job_events){ .bytes_max = bytes_max };
    buf_init(&e->text, hard_max(e) + MARKER_BYTES_MAX);
    buf_init(&e->starts, hard_max(e));
}

void job_events_deinit(struct job_events *e)
{
    buf_deinit(&e->text);
    buf_deinit(&e->starts);
}

static size_t kept_count(const struct job_events *e)
{
    return buf_len(&e->starts) / sizeof(uint64_t);
}

/* Offset where the i-th kept event begins. */
static uint64_t start_of(const struct job_events *e, size_t i)
{
    const char *starts = buf_str(&e->starts).p;
    uint64_t start;

    assert(starts && i < kept_count(e));
    memcpy(&start, starts + i * sizeof(start), sizeof(start));
    return start;
}

/* A line break would end the field; between JSON tokens a blank means the same. */
static void add_line(struct buf *out, struct str line)
{
    char *p = line.len > 0 ? buf_reserve(out, line.len) : NULL;

    if (!p)
        return;
    for (size_t i = 0; i < line.len; i++)
        p[i] = (char)(line.p[i] == '\n' || line.p[i] == '\r' ? ' ' : line.p[i]);
    buf_commit(out, line.len);
}

uint64_t job_events_add(struct job_events *e, const char *name, struct str json)
{
    char head[96];
    int head_len =
        snprintf(head, sizeof(head), "id: %" PRIu64 "\nevent: %.40s\ndata: ", e->last_id + 1, name);
    size_t len = (size_t)head_len + json.len + 2;
    uint64_t start = job_events_end(e);

    if (e->is_closed || len > hard_max(e) || job_events_bytes(e) > hard_max(e) - len)
        return 0;
    (void)buf_add(&e->text, head, (size_t)head_len);
    add_line(&e->text, json);
    (void)buf_puts(&e->text, "\n\n");
    (void)buf_add(&e->starts, &start, sizeof(start));
    e->events_end = start + len;
    return ++e->last_id;
}

void job_events_close(struct job_events *e, const char *marker)
{
    if (e->is_closed)
        return;
    (void)buf_puts(&e->text, "data: ");
    struct str text = str_of(marker);
    if (text.len > MARKER_TEXT_MAX)
        text.len = MARKER_TEXT_MAX;
    add_line(&e->text, text);
    (void)buf_puts(&e->text, "\n\n");
    e->is_closed = true;
}

bool job_events_is_closed(const struct job_events *e)
{
    return e->is_closed;
}

bool job_events_seek(const struct job_events *e, uint64_t last_id, uint64_t *ret_offset)
{
    uint64_t forgotten = e->last_id - kept_count(e);

    if (last_id < forgotten)
        return false;
    *ret_offset = last_id < e->last_id ? start_of(e, last_id - forgotten) : e->events_end;
    return true;
}

struct str job_events_from(const struct job_events *e, uint64_t offset)
{
    struct str all = buf_str(&e->text);
    size_t skip = offset - e->begin;

    assert(offset >= e->begin && skip <= all.len);
    return (struct str){ all.p + skip, all.len - skip };
}

uint64_t job_events_end(const struct job_events *e)
{
    return e->begin + buf_len(&e->text);
}

uint64_t job_events_last_id(const struct job_events *e)
{
    return e->last_id;
}

size_t job_events_bytes(const struct job_events *e)
{
    return buf_len(&e->text) + buf_len(&e->starts);
}

bool job_events_is_full(const struct job_events *e)
{
    return job_events_bytes(e) >= e->bytes_max;
}

void job_events_forget(struct job_events *e, uint64_t offset)
{
    size_t whole = 0, count = kept_count(e);
    uint64_t begin = e->begin;

    while (whole < count) {
        uint64_t end = whole + 1 < count ? start_of(e, whole + 1) : e->events_end;
        if (end > offset)
            break;
        begin = end;
        whole++;
    }
    buf_consume(&e->text, begin - e->begin);
    buf_consume(&e->starts, whole * sizeof(uint64_t));
    e->begin = begin;
}
