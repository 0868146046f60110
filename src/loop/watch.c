#include "loop/watch.h"

#include "base/mem.h"
#include "loop/internal.h"

#include <errno.h>
#include <limits.h>
#include <sys/stat.h>

enum {
    PATIENCE = 10,        /* debounces until it is told in spite of unrest */
    LOOK_AGAIN_MS = 1000, /* while the directory that it is in is not there */
};

/* Two looks that give the same saw the same file. */
struct mark {
    bool is_there, is_dir;
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec modified;
};

/* The kernel watches inodes: of what is watched itself, and of the directory that it is in,
 * where another may take its name. */
struct file_watch {
    struct loop *loop;
    uv_fs_event_t self, parent;
    unsigned handles; /* not closed yet */
    char path[PATH_MAX], parent_path[PATH_MAX];
    struct mark seen; /* when it was told, or begun */
    struct loop_timer debounce, look_again;
    uint64_t debounce_ms, unrest_ms; /* since when, of the loop's clock */
    void (*fn)(void *data);
    void *data;
};

static struct mark look(const char *path)
{
    struct stat st;

    if (stat(path, &st) != 0)
        return (struct mark){ .is_there = false };
    return (struct mark){
        .is_there = true,
        .is_dir = S_ISDIR(st.st_mode),
        .device = st.st_dev,
        .inode = st.st_ino,
        .size = st.st_size,
        .modified = st.st_mtim,
    };
}

static bool is_same(const struct mark *a, const struct mark *b)
{
    return a->is_there == b->is_there && a->is_dir == b->is_dir && a->device == b->device &&
           a->inode == b->inode && a->size == b->size && a->modified.tv_sec == b->modified.tv_sec &&
           a->modified.tv_nsec == b->modified.tv_nsec;
}

/* --- Events ------------------------------------------------------------------------- */

static void note(struct file_watch *w)
{
    uint64_t now_ms = loop_now_ms(w->loop);

    if (!loop_timer_is_armed(&w->debounce))
        w->unrest_ms = now_ms;
    else if (now_ms - w->unrest_ms >= PATIENCE * w->debounce_ms)
        return;
    loop_timer_start(&w->debounce, w->debounce_ms);
}

static void note_if_changed(struct file_watch *w)
{
    struct mark now = look(w->path);

    if (!is_same(&now, &w->seen))
        note(w);
}

static void on_self(uv_fs_event_t *uv, const char *name, int events, int status)
{
    (void)name;
    (void)events;
    (void)status;
    note(container_of(uv, struct file_watch, self));
}

/* Neighbours change, too. */
static void on_parent(uv_fs_event_t *uv, const char *name, int events, int status)
{
    (void)name;
    (void)events;
    (void)status;
    note_if_changed(container_of(uv, struct file_watch, parent));
}

/* --- Watching ------------------------------------------------------------------------ */

static bool is_absent(int rc)
{
    return rc == UV_ENOENT || rc == UV_ENOTDIR;
}

/* Anew each time: the inodes may be others. 0, or why not (libuv's). */
static int begin(struct file_watch *w)
{
    (void)uv_fs_event_stop(&w->parent);
    (void)uv_fs_event_stop(&w->self);
    int rc = uv_fs_event_start(&w->parent, on_parent, w->parent_path, 0);
    if (rc != 0)
        loop_timer_start(&w->look_again, LOOK_AGAIN_MS);
    int self_rc = uv_fs_event_start(&w->self, on_self, w->path, 0);
    if (rc == 0 || is_absent(rc))
        rc = self_rc;
    return is_absent(rc) ? 0 : rc;
}

/* What is told last of all: it may free the watch. */
static void on_quiet(struct loop_timer *timer)
{
    struct file_watch *w = container_of(timer, struct file_watch, debounce);

    (void)begin(w); /* what fails is looked at again */
    w->seen = look(w->path);
    w->fn(w->data);
}

static void on_look_again(struct loop_timer *timer)
{
    struct file_watch *w = container_of(timer, struct file_watch, look_again);

    (void)begin(w);
    note_if_changed(w);
}

/* --- Life ----------------------------------------------------------------------------- */

static bool split(struct file_watch *w, const char *path)
{
    struct str all = str_of(path);

    while (all.len > 1 && all.p[all.len - 1] == '/')
        all.len--;
    if (!str_copy(w->path, sizeof(w->path), all))
        return false;
    const char *slash = strrchr(w->path, '/');
    struct str parent = { w->path, slash ? (size_t)(slash - w->path) : 0 };
    if (!slash)
        parent = str_of(".");
    else if (parent.len == 0)
        parent = str_of("/");
    return str_copy(w->parent_path, sizeof(w->parent_path), parent);
}

static void on_closed(uv_handle_t *handle)
{
    struct file_watch *w = handle->data;

    if (--w->handles == 0)
        free(w);
}

void file_watch_free(struct file_watch *w)
{
    if (!w)
        return;
    loop_timer_stop(&w->debounce);
    loop_timer_stop(&w->look_again);
    uv_close((uv_handle_t *)&w->self, on_closed);
    uv_close((uv_handle_t *)&w->parent, on_closed);
}

int file_watch_new(struct loop *loop, const char *path, uint64_t debounce_ms,
                   void (*fn)(void *data), void *data, struct file_watch **ret, struct err *err)
{
    AUTO(free_ptr) struct file_watch *w = mem_alloc(1, sizeof(*w));

    w->loop = loop;
    w->debounce_ms = debounce_ms;
    w->fn = fn;
    w->data = data;
    w->handles = 2;
    loop_timer_init(loop, &w->debounce, on_quiet);
    loop_timer_init(loop, &w->look_again, on_look_again);
    if (!split(w, path))
        return err_set(err, ERR_LIMIT, "the path '%s' is too long", path);
    (void)uv_fs_event_init(&loop->uv, &w->self); /* cannot fail */
    (void)uv_fs_event_init(&loop->uv, &w->parent);
    w->self.data = w->parent.data = w;
    int rc = begin(w);
    w->seen = look(w->path);
    if (rc != 0) {
        file_watch_free(TAKE(w));
        errno = -rc;
        return err_sys(err, "cannot watch '%s'", path);
    }
    *ret = TAKE(w);
    return 0;
}
