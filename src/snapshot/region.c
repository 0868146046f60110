/* The log is a list of segments; in each, old bytes grow from the front and the entries that
 * tell their places from the back, so that both walk backwards in step. A full log forgets
 * its oldest segment. */
#include "snapshot/region.h"

#include "base/hash.h"
#include "base/list.h"
#include "base/mem.h"

#include <assert.h>
#include <string.h>

enum { PAGE_BYTES = 4096, WORD_BYTES = 8, BLOCK_BYTES = 32, SEGMENT_BYTES = 256 * 1024 };

/* What one put changed: from the first word that differed to the last. */
struct entry {
    uint32_t off, len;
};

struct segment {
    struct list in_log;
    uint64_t before; /* version before its first entry */
    size_t entries_len, bytes_len, size;
    _Alignas(struct entry) unsigned char memory[]; /* `size` */
};

struct region {
    unsigned char *bytes;
    unsigned char *own; /* `bytes`, when they are the region's */
    size_t size;
    uint64_t version, hash;
    uint64_t *put_pages; /* a bit per page that was ever put */
    size_t put_pages_len;

    struct list log; /* segment.in_log, oldest first */
    size_t log_bytes, log_bytes_max;
};

static size_t pages_of(size_t size)
{
    return (size + PAGE_BYTES - 1) / PAGE_BYTES;
}

struct region *region_new(size_t size, size_t log_bytes_max, void *memory)
{
    struct region *r = mem_alloc(1, sizeof(*r));

    assert(size > 0 && size <= UINT32_MAX && size % WORD_BYTES == 0);
    r->own = memory ? NULL : mem_alloc(size, 1);
    r->bytes = memory ? memory : r->own;
    r->size = size;
    r->put_pages = mem_alloc(pages_of(size) / 64 + 1, sizeof(*r->put_pages));
    r->log_bytes_max = log_bytes_max;
    list_init(&r->log);
    return r;
}

static struct segment *oldest(const struct region *r)
{
    return list_is_empty(&r->log) ? NULL : container_of(r->log.next, struct segment, in_log);
}

static struct segment *newest(const struct region *r)
{
    return list_is_empty(&r->log) ? NULL : container_of(r->log.prev, struct segment, in_log);
}

static void forget_segment(struct region *r, struct segment *segment)
{
    r->log_bytes -= segment->size;
    list_remove(&segment->in_log);
    free(segment);
}

static void forget_log(struct region *r)
{
    while (oldest(r))
        forget_segment(r, oldest(r));
}

void region_free(struct region *r)
{
    if (!r)
        return;
    forget_log(r);
    free(r->put_pages);
    free(r->own);
    free(r);
}

const void *region_bytes(const struct region *r)
{
    return r->bytes;
}

size_t region_size(const struct region *r)
{
    return r->size;
}

uint64_t region_version(const struct region *r)
{
    return r->version;
}

uint64_t region_hash(const struct region *r)
{
    return r->hash;
}

/* --- The log ---------------------------------------------------------------- */

static struct segment *before(const struct region *r, const struct segment *segment)
{
    return segment->in_log.prev == &r->log
               ? NULL
               : container_of(segment->in_log.prev, struct segment, in_log);
}

static struct entry *entry_at(struct segment *segment, size_t i)
{
    return (struct entry *)(void *)(segment->memory + segment->size) - 1 - i;
}

/* A full log writes over its oldest segment: the pages of a new one cost more than what goes
 * into them. */
static struct segment *reuse_oldest(struct region *r, size_t size)
{
    struct segment *segment = oldest(r);

    if (!segment || segment->size != size || r->log_bytes + size <= r->log_bytes_max)
        return NULL;
    list_remove(&segment->in_log);
    segment->entries_len = segment->bytes_len = 0;
    return segment;
}

static struct segment *new_segment(struct region *r, size_t size)
{
    while (oldest(r) && r->log_bytes + size > r->log_bytes_max)
        forget_segment(r, oldest(r));
    if (size > r->log_bytes_max)
        return NULL;

    struct segment *segment = mem_alloc(1, sizeof(*segment) + size);
    segment->size = size;
    r->log_bytes += size;
    return segment;
}

static struct segment *add_segment(struct region *r, size_t need)
{
    size_t size = need > SEGMENT_BYTES ? need : SEGMENT_BYTES;

    size = (size + _Alignof(struct entry) - 1) / _Alignof(struct entry) * _Alignof(struct entry);
    struct segment *segment = reuse_oldest(r, size);
    if (!segment)
        segment = new_segment(r, size);
    if (!segment)
        return NULL;
    segment->before = r->version;
    list_push_back(&r->log, &segment->in_log);
    return segment;
}

static void remember(struct region *r, size_t off, size_t len)
{
    struct segment *segment = newest(r);
    size_t need = len + sizeof(struct entry);

    if (!segment ||
        segment->bytes_len + segment->entries_len * sizeof(struct entry) + need > segment->size)
        segment = add_segment(r, need);
    if (!segment)
        return;
    memcpy(segment->memory + segment->bytes_len, r->bytes + off, len);
    *entry_at(segment, segment->entries_len++) = (struct entry){ (uint32_t)off, (uint32_t)len };
    segment->bytes_len += len;
}

/* Every change after a version, the newest first. */
struct walk {
    struct segment *segment;
    size_t entries_left, bytes_left; /* in it */
};

static bool reaches_back_to(const struct region *r, uint64_t version)
{
    return version == r->version || (oldest(r) && oldest(r)->before <= version);
}

static struct walk walk_from_newest(const struct region *r)
{
    struct segment *segment = newest(r);

    return segment ? (struct walk){ segment, segment->entries_len, segment->bytes_len }
                   : (struct walk){ 0 };
}

static const struct entry *walk_back(const struct region *r, struct walk *w, uint64_t version,
                                     const unsigned char **ret_old)
{
    if (w->segment && w->entries_left == 0) {
        w->segment = before(r, w->segment);
        w->entries_left = w->segment ? w->segment->entries_len : 0;
        w->bytes_left = w->segment ? w->segment->bytes_len : 0;
    }
    if (!w->segment || w->segment->before + w->entries_left <= version)
        return NULL;
    const struct entry *entry = entry_at(w->segment, --w->entries_left);
    w->bytes_left -= entry->len;
    *ret_old = w->segment->memory + w->bytes_left;
    return entry;
}

/* --- Writing ------------------------------------------------------------------ */

static void note_pages(struct region *r, size_t off, size_t len)
{
    for (size_t page = off / PAGE_BYTES; page <= (off + len - 1) / PAGE_BYTES; page++) {
        uint64_t bit = 1ULL << page % 64;

        r->put_pages_len += !(r->put_pages[page / 64] & bit);
        r->put_pages[page / 64] |= bit;
    }
}

static uint64_t word_at(const unsigned char *bytes)
{
    uint64_t word;

    memcpy(&word, bytes, sizeof(word));
    return word;
}

/* What a put changes: from the first word that differs to behind the last one. */
struct difference {
    size_t first, end; /* `end` 0: nothing */
    uint64_t hash;     /* what it adds to the sum */
};

static inline void note_word(struct difference *d, size_t off, uint64_t was, uint64_t now)
{
    if (was == now)
        return;
    d->hash += hash_word(now, off / WORD_BYTES) - hash_word(was, off / WORD_BYTES);
    if (d->end == 0)
        d->first = off;
    d->end = off + WORD_BYTES;
}

/* Of `len` bytes within one word. */
static void compare_part(const struct region *r, size_t off, const unsigned char *now, size_t len,
                         struct difference *d)
{
    size_t start = off / WORD_BYTES * WORD_BYTES;
    unsigned char word[WORD_BYTES];

    memcpy(word, r->bytes + start, WORD_BYTES);
    memcpy(word + (off - start), now, len);
    note_word(d, start, word_at(r->bytes + start), word_at(word));
}

static inline void compare_words(const struct region *r, size_t off, const unsigned char *now,
                                 size_t len, struct difference *d)
{
    for (size_t at = 0; at < len; at += WORD_BYTES)
        note_word(d, off + at, word_at(r->bytes + off + at), word_at(now + at));
}

/* Block by block, for most of a row stays. Rows are whole words; others may begin and end within
 * one. */
static struct difference compare(const struct region *r, size_t off, const unsigned char *now,
                                 size_t len)
{
    struct difference d = { 0 };
    size_t head = (WORD_BYTES - off % WORD_BYTES) % WORD_BYTES, at;

    if (head > len)
        head = len;
    if (head > 0)
        compare_part(r, off, now, head, &d);
    for (at = head; len - at >= BLOCK_BYTES; at += BLOCK_BYTES) {
        if (memcmp(r->bytes + off + at, now + at, BLOCK_BYTES) != 0)
            compare_words(r, off + at, now + at, BLOCK_BYTES, &d);
    }
    compare_words(r, off + at, now + at, (len - at) / WORD_BYTES * WORD_BYTES, &d);
    at = len - (len - at) % WORD_BYTES;
    if (at < len)
        compare_part(r, off + at, now + at, len - at, &d);
    return d;
}

void region_put(struct region *r, size_t off, const void *bytes, size_t len)
{
    const unsigned char *now = bytes;

    assert(off <= r->size && len <= r->size - off);
    struct difference d = compare(r, off, now, len);
    if (d.end == 0)
        return;
    size_t first = d.first > off ? d.first : off, end = d.end < off + len ? d.end : off + len;
    if (r->log_bytes_max > 0)
        remember(r, first, end - first);
    memcpy(r->bytes + first, now + (first - off), end - first);
    note_pages(r, first, end - first);
    r->hash += d.hash;
    r->version++;
}

static bool was_put(const struct region *r, size_t page)
{
    return r->put_pages[page / 64] & 1ULL << page % 64;
}

static size_t page_bytes(const struct region *r, size_t page)
{
    size_t left = r->size - page * PAGE_BYTES;

    return left < PAGE_BYTES ? left : PAGE_BYTES;
}

void region_reset(struct region *r)
{
    forget_log(r);
    for (size_t page = 0; page < pages_of(r->size); page++) {
        if (was_put(r, page))
            memset(r->bytes + page * PAGE_BYTES, 0, page_bytes(r, page));
    }
    r->hash = 0;
    r->version++;
}

/* --- Copies --------------------------------------------------------------------- */

static void copy_all(const struct region *r, unsigned char *copy)
{
    for (size_t page = 0; page < pages_of(r->size); page++) {
        if (was_put(r, page))
            memcpy(copy + page * PAGE_BYTES, r->bytes + page * PAGE_BYTES, page_bytes(r, page));
    }
}

uint64_t region_sync(const struct region *r, void *copy, uint64_t since)
{
    struct walk walk = walk_from_newest(r);
    const struct entry *entry = NULL;
    const unsigned char *old;
    size_t copied = 0, worth = r->put_pages_len * PAGE_BYTES;

    assert(since <= r->version);
    bool is_known = reaches_back_to(r, since);
    while (is_known && (entry = walk_back(r, &walk, since, &old)) && copied <= worth) {
        memcpy((unsigned char *)copy + entry->off, r->bytes + entry->off, entry->len);
        copied += entry->len;
    }
    if (!is_known || entry)
        copy_all(r, copy);
    return r->version;
}

bool region_at(const struct region *r, uint64_t version, void *ret)
{
    struct walk walk = walk_from_newest(r);
    const struct entry *entry;
    const unsigned char *old;

    if (version > r->version || !reaches_back_to(r, version))
        return false;
    copy_all(r, ret);
    while ((entry = walk_back(r, &walk, version, &old)))
        memcpy((unsigned char *)ret + entry->off, old, entry->len);
    return true;
}

static uint64_t hash_page(const struct region *r, size_t page)
{
    size_t at = page * PAGE_BYTES, end = at + page_bytes(r, page);
    uint64_t hash = 0;

    for (; at < end; at += WORD_BYTES)
        hash += hash_word(word_at(r->bytes + at), at / WORD_BYTES);
    return hash;
}

bool region_restore(const struct region *r, uint64_t version, struct region *ret)
{
    assert(ret->size == r->size);
    if (version > r->version || !reaches_back_to(r, version))
        return false;
    region_reset(ret);
    (void)region_at(r, version, ret->bytes);
    for (size_t page = 0; page < pages_of(r->size); page++) {
        if (!was_put(r, page))
            continue;
        note_pages(ret, page * PAGE_BYTES, page_bytes(r, page));
        ret->hash += hash_page(ret, page);
    }
    ret->version++;
    return true;
}
