#include "base/mem.h"

#include <stdio.h>
#include <string.h>

enum { SMALL_BYTES_MAX = 1024 };

/* Sizes from outside are capped before they come here, so this means a broken
 * machine, not a hostile peer. */
static void *check(void *p)
{
    if (!p) {
        (void)fputs("out of memory\n", stderr);
        abort();
    }
    return p;
}

/* Small blocks by malloc(): glibc's calloc() goes past the cache of freed blocks up to
 * 2.40, at five times the price. Large ones by calloc(): fresh pages are zero already. */
void *mem_alloc(size_t count, size_t size)
{
    size_t bytes;
    bool is_small = !__builtin_mul_overflow(count, size, &bytes) && bytes <= SMALL_BYTES_MAX;

    if (!is_small)
        return check(calloc(count, size));
    return memset(check(malloc(bytes ? bytes : 1)), 0, bytes);
}

void *mem_resize(void *p, size_t size)
{
    return check(realloc(p, size ? size : 1));
}

char *mem_copy(struct str s)
{
    char *copy = mem_resize(NULL, s.len + 1);

    if (s.len > 0)
        memcpy(copy, s.p, s.len);
    copy[s.len] = '\0';
    return copy;
}
