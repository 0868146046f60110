#include "base/file.h"

#include "base/mem.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>

enum { READ_STEP = 4096 };

/* Is `fd` at its end? A file as long as the cap must not be refused. */
static int check_end(int fd, const char *path, size_t max, struct err *err)
{
    char one;
    ssize_t n = read(fd, &one, 1);

    if (n < 0)
        return err_sys(err, "cannot read '%s'", path);
    if (n > 0)
        return err_set(err, ERR_LIMIT, "'%s' is longer than %zu bytes", path, max);
    return 0;
}

/* Until read(2) says 0: sizes of /proc and sysfs files are lies. */
static int read_all(int fd, const char *path, struct buf *out, struct err *err)
{
    for (;;) {
        size_t left = out->max - buf_len(out);
        if (left == 0)
            return check_end(fd, path, out->max, err);

        size_t step = left < READ_STEP ? left : READ_STEP;
        ssize_t n = read(fd, buf_reserve(out, step), step);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_sys(err, "cannot read '%s'", path);
        if (n == 0)
            return 0;
        buf_commit(out, (size_t)n);
    }
}

int file_read(const char *path, struct buf *out, struct err *err)
{
    AUTO(close_fd) int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return err_sys(err, "cannot open '%s'", path);
    return read_all(fd, path, out, err);
}

static int write_all(int fd, struct str content, const char *path, struct err *err)
{
    while (content.len > 0) {
        ssize_t n = write(fd, content.p, content.len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_sys(err, "cannot write '%s'", path);
        content.p += n;
        content.len -= (size_t)n;
    }
    return 0;
}

static int fill_temporary(int fd, const char *path, struct str content, unsigned mode,
                          struct err *err)
{
    int rc = write_all(fd, content, path, err);
    if (rc < 0)
        return rc;
    if (fchmod(fd, (mode_t)mode) < 0 || fsync(fd) < 0)
        return err_sys(err, "cannot write '%s'", path);
    return 0;
}

/* The new name is on the disk only when its directory is. Some file systems
 * cannot sync one: the file itself is written then, which is what counts. */
static void sync_parent(const char *path)
{
    char dir[PATH_MAX];
    const char *slash = strrchr(path, '/');

    struct str parent = { path, slash ? (size_t)(slash - path) + 1 : 0 };
    if (!str_copy(dir, sizeof(dir), parent))
        return;
    AUTO(close_fd) int fd = open(dir[0] ? dir : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0)
        (void)fsync(fd);
}

int file_write_atomic(const char *path, struct str content, unsigned mode, struct err *err)
{
    char temporary[PATH_MAX];

    int len = snprintf(temporary, sizeof(temporary), "%s.XXXXXX", path);
    if (len < 0 || (size_t)len >= sizeof(temporary)) {
        errno = ENAMETOOLONG;
        return err_sys(err, "cannot write '%s'", path);
    }
    AUTO(close_fd) int fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0)
        return err_sys(err, "cannot create a file beside '%s'", path);

    int rc = fill_temporary(fd, path, content, mode, err);
    if (rc == 0 && rename(temporary, path) < 0)
        rc = err_sys(err, "cannot replace '%s'", path);
    if (rc < 0) {
        (void)unlink(temporary);
        return rc;
    }
    sync_parent(path);
    return 0;
}

static int make_one_dir(const char *path, mode_t mode, struct err *err)
{
    struct stat st;

    if (mkdir(path, mode) == 0)
        return 0;
    /* Also EACCES and EROFS can mean one that is there already. */
    int saved = errno;
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
        return 0;
    errno = saved == EEXIST ? ENOTDIR : saved;
    return err_sys(err, "cannot create the directory '%s'", path);
}

int file_make_dir(const char *path, struct err *err)
{
    char part[PATH_MAX];

    if (!str_copy(part, sizeof(part), str_of(path))) {
        errno = ENAMETOOLONG;
        return err_sys(err, "cannot create the directory '%s'", path);
    }
    for (char *slash = strchr(part + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        int rc = make_one_dir(part, 0755, err);
        if (rc < 0)
            return rc;
        *slash = '/';
    }
    return make_one_dir(part, 0700, err);
}

static int report_holder(const char *dir, int fd, struct err *err)
{
    char pid[16] = { 0 };
    ssize_t n = pread(fd, pid, sizeof(pid) - 1, 0);

    pid[n > 0 ? strcspn(pid, "\n") : 0] = '\0';
    return err_set(
        err, ERR_CONFLICT,
        "the directory '%s' is in use by process %s; stop that or take another directory", dir,
        pid[0] ? pid : "(unknown)");
}

int file_lock_dir(const char *dir, int *ret_fd, struct err *err)
{
    char path[PATH_MAX];
    char pid[16];

    int rc = file_make_dir(dir, err);
    if (rc < 0)
        return rc;
    int len = snprintf(path, sizeof(path), "%s/lock", dir);
    if (len < 0 || (size_t)len >= sizeof(path)) {
        errno = ENAMETOOLONG;
        return err_sys(err, "cannot lock the directory '%s'", dir);
    }
    AUTO(close_fd) int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_sys(err, "cannot open '%s'", path);
    if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
        if (errno == EWOULDBLOCK)
            return report_holder(dir, fd, err);
        return err_sys(err, "cannot lock '%s'", path);
    }

    len = snprintf(pid, sizeof(pid), "%d\n", (int)getpid());
    if (ftruncate(fd, 0) < 0 || pwrite(fd, pid, (size_t)len, 0) != len)
        return err_sys(err, "cannot write '%s'", path);
    *ret_fd = fd;
    fd = -1; /* NOLINT(clang-analyzer-deadcode.DeadStores): the scope's end looks at it */
    return 0;
}

static int set_path(char *ret, size_t size, struct err *err, const char *base, const char *middle,
                    const char *name)
{
    int len = snprintf(ret, size, "%s%s%s", base, middle, name);

    if (len < 0 || (size_t)len >= size)
        return err_set(err, ERR_LIMIT, "the path '%s%s%s' is too long", base, middle, name);
    return 0;
}

/* The XDG specification says to ignore relative paths. */
static const char *absolute_env(const char *name)
{
    const char *value = getenv(name);

    return value && value[0] == '/' ? value : NULL;
}

int file_default_state_dir(const char *name, char *ret, size_t size, struct err *err)
{
    const char *systemd = absolute_env("STATE_DIRECTORY");
    const char *xdg = absolute_env("XDG_STATE_HOME");
    const char *home = absolute_env("HOME");

    if (systemd) {
        struct str first = { systemd, strcspn(systemd, ":") }; /* it can name several */
        if (!str_copy(ret, size, first))
            return err_set(err, ERR_LIMIT, "the path '%s' is too long", systemd);
        return 0;
    }
    if (xdg)
        return set_path(ret, size, err, xdg, "/rbee/", name);
    if (home)
        return set_path(ret, size, err, home, "/.local/state/rbee/", name);
    return set_path(ret, size, err, "", "/var/lib/rbee/", name);
}

int file_default_config(const char *name, char *ret, size_t size, struct err *err)
{
    const char *xdg = absolute_env("XDG_CONFIG_HOME");
    const char *home = absolute_env("HOME");

    if (xdg)
        return set_path(ret, size, err, xdg, "/rbee/", name);
    if (home)
        return set_path(ret, size, err, home, "/.config/rbee/", name);
    return set_path(ret, size, err, "", "/etc/rbee/", name);
}
