#include "policyhost/overlay.h"

#include <assert.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* Pages that one decision may change: of a few rows, each on two at most. */
enum { CHANGES_MAX = 16 };

/* Rows; the texts behind them never change here. */
static size_t writable_bytes(const struct overlay *o)
{
    return offsetof(struct snapshot, arena) / o->page_bytes * o->page_bytes;
}

bool overlay_open(struct overlay *o, int fd)
{
    const size_t size = sizeof(struct snapshot);
    struct stat st;

    if (fstat(fd, &st) != 0 || st.st_size < (off_t)size)
        return false;
    void *all = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
    if (all == MAP_FAILED)
        return false;
    *o = (struct overlay){ .bytes = all, .page_bytes = (size_t)sysconf(_SC_PAGESIZE) };
    return mmap(all, writable_bytes(o), PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE, fd, 0) != MAP_FAILED;
}

const struct snapshot *overlay_snapshot(const struct overlay *o)
{
    return (const void *)o->bytes;
}

static void note_page(struct overlay *o, size_t page)
{
    for (size_t i = o->pages_len; i-- > 0;) {
        if (o->pages[i] == page)
            return;
    }
    assert(o->pages_len < OVERLAY_PAGES_MAX);
    o->pages[o->pages_len++] = page;
}

void overlay_put(void *overlay, size_t off, const void *bytes, size_t len)
{
    struct overlay *o = overlay;

    assert(len > 0 && off + len <= writable_bytes(o));
    for (size_t page = off / o->page_bytes; page <= (off + len - 1) / o->page_bytes; page++)
        note_page(o, page);
    memcpy(o->bytes + off, bytes, len);
}

bool overlay_has_room(const struct overlay *o)
{
    return o->pages_len <= OVERLAY_PAGES_MAX - CHANGES_MAX;
}

void overlay_clear(struct overlay *o)
{
    for (size_t i = 0; i < o->pages_len; i++)
        (void)madvise(o->bytes + o->pages[i] * o->page_bytes, o->page_bytes, MADV_DONTNEED);
    o->pages_len = 0;
}
