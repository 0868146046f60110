#include "supervisor/log_file.h"

#include "base/buf.h"
#include "base/mem.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>

enum { TAIL_BYTES = 4096 };

static int path_of(char out[LOG_FILE_PATH_SIZE], const char *dir, const char *id,
                   const char *suffix, struct err *err)
{
    struct buf b;

    buf_init_fixed(&b, out, LOG_FILE_PATH_SIZE);
    if (!buf_printf(&b, "%s/%s%s", dir, id, suffix))
        return err_set(err, ERR_LIMIT, "the path of the log file of '%s' is too long", id);
    (void)buf_cstr(&b);
    return 0;
}

int log_file_open(const char *dir, const char *id, int *ret_fd, struct err *err)
{
    char path[LOG_FILE_PATH_SIZE], older[LOG_FILE_PATH_SIZE];
    struct stat st;
    int rc = path_of(path, dir, id, ".log", err);

    if (rc == 0)
        rc = path_of(older, dir, id, ".log.1", err);
    if (rc < 0)
        return rc;
    if (stat(path, &st) == 0 && st.st_size > LOG_FILE_BYTES_MAX && rename(path, older) < 0)
        return err_sys(err, "cannot rename %s", path);
    int fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_sys(err, "cannot open the log file %s", path);
    *ret_fd = fd;
    return 0;
}

void log_file_trim(const char *dir, const char *id, off_t bytes_max)
{
    char path[LOG_FILE_PATH_SIZE], older[LOG_FILE_PATH_SIZE];
    struct stat st;
    struct err err;

    if (path_of(path, dir, id, ".log", &err) < 0 || path_of(older, dir, id, ".log.1", &err) < 0)
        return;
    AUTO(close_fd) int from = open(path, O_RDWR | O_CLOEXEC);
    if (from < 0 || fstat(from, &st) < 0 || st.st_size <= bytes_max)
        return;
    AUTO(close_fd) int to = open(older, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (to < 0)
        return;
    /* The worker holds the file open for appending: it has to be emptied, not replaced. */
    while (st.st_size > 0) {
        ssize_t n = sendfile(to, from, NULL, (size_t)st.st_size);
        if (n <= 0)
            break;
        st.st_size -= n;
    }
    (void)!ftruncate(from, 0);
}

/* --- Pruning ----------------------------------------------------------------- */

struct aged_file {
    char name[NAME_MAX + 1];
    struct timespec changed;
};

static int older_first(const void *a, const void *b)
{
    const struct timespec *x = &((const struct aged_file *)a)->changed;
    const struct timespec *y = &((const struct aged_file *)b)->changed;

    if (x->tv_sec != y->tv_sec)
        return x->tv_sec < y->tv_sec ? -1 : 1;
    return (x->tv_nsec > y->tv_nsec) - (x->tv_nsec < y->tv_nsec);
}

void log_files_prune(const char *dir, size_t keep)
{
    struct aged_file *files = NULL;
    size_t len = 0;
    struct dirent *entry;
    struct stat st;
    DIR *d = opendir(dir);

    if (!d)
        return;
    while ((entry = readdir(d))) {
        if (fstatat(dirfd(d), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode))
            continue;
        files = mem_resize(files, (len + 1) * sizeof(*files));
        (void)str_copy(files[len].name, sizeof(files[len].name), str_of(entry->d_name));
        files[len++].changed = st.st_mtim;
    }
    if (len > keep)
        qsort(files, len, sizeof(*files), older_first);
    for (size_t i = 0; i + keep < len; i++)
        (void)unlinkat(dirfd(d), files[i].name, 0);
    free(files);
    (void)closedir(d);
}

/* --- The last words ------------------------------------------------------------ */

static struct str last_line(struct str text)
{
    while (text.len > 0 && (unsigned char)text.p[text.len - 1] <= ' ')
        text.len--;
    const char *newline = text.len ? memrchr(text.p, '\n', text.len) : NULL;
    if (!newline)
        return text;
    return (struct str){ newline + 1, text.len - (size_t)(newline + 1 - text.p) };
}

void log_file_last_line(const char *dir, const char *id, char *ret, size_t size)
{
    char path[LOG_FILE_PATH_SIZE], tail[TAIL_BYTES];
    struct stat st;
    struct err err;

    ret[0] = '\0';
    if (path_of(path, dir, id, ".log", &err) < 0)
        return;
    AUTO(close_fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) < 0)
        return;
    ssize_t n =
        pread(fd, tail, sizeof(tail), st.st_size > TAIL_BYTES ? st.st_size - TAIL_BYTES : 0);
    struct str line = last_line((struct str){ tail, n > 0 ? (size_t)n : 0 });
    if (line.len >= size)
        line.len = size - 1;
    for (size_t i = 0; i < line.len; i++)
        ret[i] = iscntrl((unsigned char)line.p[i]) ? ' ' : line.p[i];
    ret[line.len] = '\0';
}
