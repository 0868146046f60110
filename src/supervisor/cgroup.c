#include "supervisor/cgroup.h"

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/parse.h"
#include "supervisor/kernel_text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static const char own_leaf[] = "rbee-hive";
static const char worker_prefix[] = "rbee-worker-";

enum { FILE_BYTES_MAX = 64 * 1024 };

/* --- Pure ------------------------------------------------------------------ */

bool cgroup_parse_membership(struct str text, struct str *ret)
{
    struct str line;

    while (kernel_text_line(&text, &line)) {
        if (!str_starts(line, "0::/"))
            continue;
        *ret = (struct str){ line.p + 3, line.len - 3 };
        return true;
    }
    return false;
}

bool cgroup_parse_controllers(struct str text, const char *name)
{
    struct str word;

    while (kernel_text_word(&text, &word))
        if (str_eq(word, name))
            return true;
    return false;
}

bool cgroup_parse_cpu(struct str text, uint64_t *ret_us)
{
    return kernel_text_number(text, "usage_usec", ret_us);
}

static void add_if(struct str word, const char *key, uint64_t *sum)
{
    size_t key_len = strlen(key);
    uint64_t n;

    if (str_starts(word, key) &&
        parse_u64_str((struct str){ word.p + key_len, word.len - key_len }, &n) &&
        n <= UINT64_MAX - *sum)
        *sum += n;
}

void cgroup_parse_io(struct str text, uint64_t *ret_read_bytes, uint64_t *ret_write_bytes)
{
    struct str word;

    *ret_read_bytes = *ret_write_bytes = 0;
    while (kernel_text_word(&text, &word)) {
        add_if(word, "rbytes=", ret_read_bytes);
        add_if(word, "wbytes=", ret_write_bytes);
    }
}

/* --- Files ----------------------------------------------------------------- */

static int join(char out[CGROUP_PATH_SIZE], struct err *err, const char *dir, const char *name)
{
    struct buf b;

    buf_init_fixed(&b, out, CGROUP_PATH_SIZE);
    if (!buf_printf(&b, "%s/%s", dir, name))
        return err_set(err, ERR_LIMIT, "the cgroup path '%s/%s' is too long", dir, name);
    (void)buf_cstr(&b);
    return 0;
}

static int read_file(const char *dir, const char *name, struct buf *out, struct err *err)
{
    char path[CGROUP_PATH_SIZE];
    int rc = join(path, err, dir, name);

    buf_clear(out);
    return rc < 0 ? rc : file_read(path, out, err);
}

/* One write(2), as the kernel wants it. */
static int write_file(const char *dir, const char *name, const char *text, struct err *err)
{
    char path[CGROUP_PATH_SIZE];
    int rc = join(path, err, dir, name);
    if (rc < 0)
        return rc;

    AUTO(close_fd) int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
        return err_sys(err, "cannot write '%s' to %s", text, path);
    return 0;
}

static int make_dir(const char *path, struct err *err)
{
    if (mkdir(path, 0755) < 0 && errno != EEXIST)
        return err_sys(err, "cannot make %s", path);
    return 0;
}

int cgroup_enter(const char *path, pid_t pid, struct err *err)
{
    char text[32];

    (void)snprintf(text, sizeof(text), "%ld", (long)pid);
    return write_file(path, "cgroup.procs", text, err);
}

int cgroup_kill(const char *path, struct err *err)
{
    return write_file(path, "cgroup.kill", "1", err);
}

bool cgroup_remove(const char *path)
{
    return rmdir(path) == 0 || errno == ENOENT;
}

/* --- The tree ---------------------------------------------------------------- */

static int check_controllers(const char *dir, bool *ret_has_io, struct err *err)
{
    AUTO(buf_deinit) struct buf text;
    buf_init(&text, FILE_BYTES_MAX);
    int rc = read_file(dir, "cgroup.controllers", &text, err);

    if (rc < 0)
        return rc;
    if (!cgroup_parse_controllers(buf_str(&text), "memory") ||
        !cgroup_parse_controllers(buf_str(&text), "cpu"))
        return err_set(err, ERR_UNSUPPORTED, "%s has no memory and cpu controllers", dir);
    *ret_has_io = cgroup_parse_controllers(buf_str(&text), "io");
    return 0;
}

static int hand_down(const char *dir, pid_t self, bool has_io, struct err *err)
{
    char leaf[CGROUP_PATH_SIZE];
    struct err undo;
    int rc = join(leaf, err, dir, own_leaf);

    if (rc == 0)
        rc = make_dir(leaf, err);
    if (rc == 0)
        rc = cgroup_enter(leaf, self, err);
    if (rc < 0)
        return rc;
    rc = write_file(dir, "cgroup.subtree_control", has_io ? "+memory +cpu +io" : "+memory +cpu",
                    err);
    /* Others live in our group: leave it as it was. */
    if (rc < 0 && cgroup_enter(dir, self, &undo) == 0)
        (void)cgroup_remove(leaf);
    return rc;
}

int cgroup_tree_open(const char *mount, struct str membership, pid_t self, struct cgroup_tree *ret,
                     struct err *err)
{
    struct cgroup_tree tree;
    struct str path;
    struct buf dir;
    bool has_io = false;

    if (!cgroup_parse_membership(membership, &path))
        return err_set(err, ERR_UNSUPPORTED, "this process is in no cgroup of version 2");
    while (path.len > 0 && path.p[path.len - 1] == '/')
        path.len--;
    buf_init_fixed(&dir, tree.path, sizeof(tree.path));
    if (!buf_printf(&dir, "%s%.*s", mount, STR_ARG(path)))
        return err_set(err, ERR_UNSUPPORTED, "the path of this process's cgroup is too long");
    (void)buf_cstr(&dir);

    int rc = check_controllers(tree.path, &has_io, err);
    if (rc == 0)
        rc = hand_down(tree.path, self, has_io, err);
    if (rc < 0)
        return err->code = ERR_UNSUPPORTED;
    *ret = tree;
    return 0;
}

void cgroup_tree_sweep(const struct cgroup_tree *tree)
{
    char path[CGROUP_PATH_SIZE];
    struct dirent *entry;
    struct err ignored;
    DIR *dir = opendir(tree->path);

    if (!dir)
        return;
    while ((entry = readdir(dir)))
        if (str_starts(str_of(entry->d_name), worker_prefix) &&
            join(path, &ignored, tree->path, entry->d_name) == 0)
            (void)cgroup_remove(path);
    (void)closedir(dir);
}

int cgroup_make(const struct cgroup_tree *tree, const char *id, char ret_path[CGROUP_PATH_SIZE],
                struct err *err)
{
    char name[CGROUP_PATH_SIZE];
    struct buf b;

    buf_init_fixed(&b, name, sizeof(name));
    if (!buf_printf(&b, "%s%s", worker_prefix, id))
        return err_set(err, ERR_LIMIT, "the worker id '%s' is too long", id);
    int rc = join(ret_path, err, tree->path, buf_cstr(&b));
    return rc < 0 ? rc : make_dir(ret_path, err);
}

/* --- Use ----------------------------------------------------------------------- */

int cgroup_read_usage(const char *path, struct usage *ret, struct err *err)
{
    struct usage usage = { 0 }; /* filled here, given out only when whole */
    AUTO(buf_deinit) struct buf text;
    struct err no_io;
    buf_init(&text, FILE_BYTES_MAX);

    int rc = read_file(path, "cpu.stat", &text, err);
    if (rc < 0)
        return rc;
    if (!cgroup_parse_cpu(buf_str(&text), &usage.cpu_us))
        return err_set(err, ERR_UPSTREAM, "%s/cpu.stat has no usage_usec", path);
    rc = read_file(path, "memory.current", &text, err);
    if (rc < 0)
        return rc;
    if (!parse_u64(buf_cstr(&text), &usage.rss_bytes))
        return err_set(err, ERR_UPSTREAM, "%s/memory.current is not a number", path);
    if (read_file(path, "io.stat", &text, &no_io) == 0)
        cgroup_parse_io(buf_str(&text), &usage.read_bytes, &usage.write_bytes);
    *ret = usage;
    return 0;
}
