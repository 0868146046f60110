#include "base/mem.h"

#include <stdio.h>
#include <string.h>

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

void *mem_alloc(size_t count, size_t size)
{
    return check(calloc(count ? count : 1, size ? size : 1));
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
