#include "sandbox/view.h"

#include "base/mem.h"
#include "sandbox/process.h"
#include "snapshot/snapshot.h"

#include <assert.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int view_open(struct view *ret, struct err *err)
{
    AUTO(close_fd) int fd = process_memory("rbee-snapshot", sizeof(struct snapshot), err);

    if (fd < 0)
        return err->code;
    void *memory = mmap(NULL, sizeof(struct snapshot), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (memory == MAP_FAILED)
        return err_sys(err, "cannot map memory for a policy host");
    /* From here on this mapping is the only one that writes. */
    if (fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) !=
        0) {
        (void)munmap(memory, sizeof(struct snapshot));
        return err_sys(err, "cannot seal memory for a policy host");
    }
    *ret = (struct view){ .fd = fd, .memory = memory };
    fd = -1;
    return 0;
}

void view_close(struct view *v)
{
    if (v->fd < 0)
        return;
    (void)munmap(v->memory, sizeof(struct snapshot));
    (void)close(v->fd);
    *v = (struct view){ .fd = -1 };
}

/* Back to zeros, but only where something was ever written: the rest costs no memory. */
static void clear(struct view *v)
{
    off_t at = 0;

    while ((at = lseek(v->fd, at, SEEK_DATA)) >= 0) {
        off_t end = lseek(v->fd, at, SEEK_HOLE);
        memset((char *)v->memory + at, 0, (size_t)(end - at));
        at = end;
    }
    v->version = v->hash = 0;
}

void view_update(struct view *v, const struct region *region, bool is_same)
{
    uint64_t hash = region_hash(region);

    assert(region_size(region) == sizeof(struct snapshot));
    if (v->version > 0 && v->hash == hash)
        return;
    if (!is_same)
        clear(v);
    v->version = region_sync(region, v->memory, v->version);
    v->hash = hash;
}
