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

/* Take the last line off `text`, without blanks and controls at its end. */
static struct str take_last_line(struct str *text)
{
    const char *newline = memrchr(text->p, '\n', text->len);
    size_t start = newline ? (size_t)(newline + 1 - text->p) : 0;
    struct str line = { text->p + start, text->len - start };

    text->len = newline ? start - 1 : 0;
    while (line.len > 0 && (unsigned char)line.p[line.len - 1] <= ' ')
        line.len--;
    return line;
}

/* What a line tells of an end; nothing when it is "TIME INFO ..." of our own log. */
static struct str words_of(struct str line)
{
    static const struct {
        const char *mark;
        bool explains;
    } levels[] = {
        { " ERROR ", true }, { " WARN ", true }, { " INFO ", false }, { " DEBUG ", false }
    };
    const char *blank = line.len > 0 ? memchr(line.p, ' ', line.len) : NULL;

    if (!blank || !isdigit((unsigned char)line.p[0]))
        return line;
    struct str rest = { blank, line.len - (size_t)(blank - line.p) };
    for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
        size_t len = strlen(levels[i].mark);
        if (str_starts(rest, levels[i].mark))
            return levels[i].explains ? str_trim((struct str){ rest.p + len, rest.len - len })
                                      : (struct str){ 0 };
    }
    return line;
}

/* The end of the file, from the start of a line if there is one. */
static struct str read_tail(int fd, char *tail, size_t size)
{
    struct stat st;

    if (fstat(fd, &st) < 0)
        return (struct str){ tail, 0 };
    bool is_cut = st.st_size > (off_t)size;
    ssize_t n = pread(fd, tail, size, is_cut ? st.st_size - (off_t)size : 0);
    struct str text = { tail, n > 0 ? (size_t)n : 0 };
    const char *newline = is_cut ? memchr(text.p, '\n', text.len) : NULL;
    if (newline) {
        text.len -= (size_t)(newline + 1 - text.p);
        text.p = newline + 1;
    }
    return text;
}

void log_file_last_words(const char *dir, const char *id, char *ret, size_t size)
{
    char path[LOG_FILE_PATH_SIZE], tail[TAIL_BYTES];
    struct str words = { 0 };
    struct err err;

    ret[0] = '\0';
    if (path_of(path, dir, id, ".log", &err) < 0)
        return;
    AUTO(close_fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    struct str text = read_tail(fd, tail, sizeof(tail));
    while (text.len > 0 && words.len == 0)
        words = words_of(take_last_line(&text));
    if (words.len >= size)
        words.len = size - 1;
    for (size_t i = 0; i < words.len; i++)
        ret[i] = iscntrl((unsigned char)words.p[i]) ? ' ' : words.p[i];
    ret[words.len] = '\0';
}
