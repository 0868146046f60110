/* test_dir - a folder of its own for a unit test, under $TMPDIR. Only tests include this. */
#pragma once

#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

struct test_dir {
    char path[PATH_MAX - 256]; /* room for a name behind it */
};

static inline int test_dir_make(struct test_dir *dir)
{
    const char *base = getenv("TMPDIR");

    (void)snprintf(dir->path, sizeof(dir->path), "%s/rbee-test-XXXXXX",
                   base && base[0] ? base : "/tmp");
    return mkdtemp(dir->path) ? 0 : -1;
}

static inline int test_dir_unlink_(const char *path, const struct stat *st, int type,
                                   struct FTW *where)
{
    (void)st;
    (void)type;
    (void)where;
    return remove(path);
}

static inline void test_dir_remove(struct test_dir *dir)
{
    (void)nftw(dir->path, test_dir_unlink_, 8, FTW_DEPTH | FTW_PHYS);
}

/* dir/name, valid until the next call. */
static inline const char *test_dir_file(const struct test_dir *dir, const char *name)
{
    static char path[PATH_MAX];

    (void)snprintf(path, sizeof(path), "%s/%s", dir->path, name);
    return path;
}
