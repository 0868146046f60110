#include "engine/record.h"

#include <assert.h>
#include <string.h>

enum { ALIGN = 8 }; /* so that an embedding can be read in place */

struct head {
    uint32_t kind;
    uint32_t bytes; /* of what follows, without the padding */
};

struct logprob_part { /* one for the token, then one for each alternative */
    double logprob;
    uint32_t text_bytes;
    uint32_t top_len; /* in the token's own */
};

static size_t padded(size_t bytes)
{
    return (bytes + ALIGN - 1) / ALIGN * ALIGN;
}

static char *append(struct buf *out, enum record_kind kind, size_t bytes)
{
    struct head head = { .kind = kind, .bytes = (uint32_t)bytes };
    char *to = buf_reserve(out, sizeof(head) + padded(bytes));
    assert(to);
    memcpy(to, &head, sizeof(head));
    buf_commit(out, sizeof(head) + padded(bytes));
    return to + sizeof(head);
}

static char *put(char *to, const void *bytes, size_t len)
{
    if (len > 0)
        memcpy(to, bytes, len);
    return to + len;
}

static const char *get(const char *from, void *bytes, size_t len)
{
    memcpy(bytes, from, len);
    return from + len;
}

void record_started(struct buf *out, uint64_t cached_tokens)
{
    (void)put(append(out, RECORD_STARTED, sizeof(cached_tokens)), &cached_tokens,
              sizeof(cached_tokens));
}

void record_text(struct buf *out, struct str text, uint64_t tokens_len)
{
    char *to = append(out, RECORD_TEXT, sizeof(tokens_len) + text.len);
    to = put(to, &tokens_len, sizeof(tokens_len));
    (void)put(to, text.p, text.len);
}

static char *put_part(char *to, struct str text, double logprob, size_t top_len)
{
    struct logprob_part part = { .logprob = logprob,
                                 .text_bytes = (uint32_t)text.len,
                                 .top_len = (uint32_t)top_len };
    return put(put(to, &part, sizeof(part)), text.p, text.len);
}

void record_logprob(struct buf *out, const struct engine_logprob *logprob)
{
    size_t bytes = sizeof(struct logprob_part) + logprob->text.len;
    for (size_t i = 0; i < logprob->top_len; i++)
        bytes += sizeof(struct logprob_part) + logprob->top[i].text.len;

    char *to = append(out, RECORD_LOGPROB, bytes);
    to = put_part(to, logprob->text, logprob->logprob, logprob->top_len);
    for (size_t i = 0; i < logprob->top_len; i++)
        to = put_part(to, logprob->top[i].text, logprob->top[i].logprob, 0);
}

void record_embedding(struct buf *out, size_t index, const float *values, size_t values_len)
{
    uint64_t wide = index;
    char *to = append(out, RECORD_EMBEDDING, sizeof(wide) + values_len * sizeof(*values));
    to = put(to, &wide, sizeof(wide));
    (void)put(to, values, values_len * sizeof(*values));
}

void record_end(struct buf *out, enum engine_stop stop, const struct engine_timings *timings,
                const struct err *err)
{
    struct err none = { 0 };
    char *to = append(out, RECORD_END, sizeof(stop) + sizeof(*timings) + sizeof(*err));
    to = put(to, &stop, sizeof(stop));
    to = put(to, timings, sizeof(*timings));
    (void)put(to, err ? err : &none, sizeof(none));
}

static void read_logprob(const char *from, struct engine_logprob *ret)
{
    struct logprob_part part;

    from = get(from, &part, sizeof(part));
    ret->text = (struct str){ from, part.text_bytes };
    ret->logprob = part.logprob;
    ret->top_len = part.top_len;
    from += part.text_bytes;
    for (size_t i = 0; i < ret->top_len; i++) {
        from = get(from, &part, sizeof(part));
        ret->top[i].text = (struct str){ from, part.text_bytes };
        ret->top[i].logprob = part.logprob;
        from += part.text_bytes;
    }
}

static void read_embedding(const char *from, size_t bytes, struct record *ret)
{
    uint64_t index;
    from = get(from, &index, sizeof(index));
    ret->embedding.index = index;
    ret->embedding.values = (const float *)(const void *)from;
    ret->embedding.values_len = (bytes - sizeof(index)) / sizeof(float);
}

static void read_end(const char *from, struct record *ret)
{
    from = get(from, &ret->end.stop, sizeof(ret->end.stop));
    from = get(from, &ret->end.timings, sizeof(ret->end.timings));
    (void)get(from, &ret->end.err, sizeof(ret->end.err));
}

bool record_next(struct str *rest, struct record *ret)
{
    struct head head;

    if (rest->len == 0)
        return false;
    const char *at = get(rest->p, &head, sizeof(head));
    ret->kind = head.kind;
    switch (ret->kind) {
    case RECORD_STARTED:
        (void)get(at, &ret->cached_tokens, sizeof(ret->cached_tokens));
        break;
    case RECORD_LOGPROB:
        read_logprob(at, &ret->logprob);
        break;
    case RECORD_TEXT:
        at = get(at, &ret->text.tokens_len, sizeof(ret->text.tokens_len));
        ret->text.text = (struct str){ at, head.bytes - sizeof(ret->text.tokens_len) };
        break;
    case RECORD_EMBEDDING:
        read_embedding(at, head.bytes, ret);
        break;
    case RECORD_END:
        read_end(at, ret);
        break;
    }
    rest->p += sizeof(head) + padded(head.bytes);
    rest->len -= sizeof(head) + padded(head.bytes);
    return true;
}
