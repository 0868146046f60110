#include "models/models.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/parse.h"
#include "base/utf8.h"
#include "models/gguf_header.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char suffix[] = ".gguf";

enum {
    SCAN_DEPTH_MAX = 3,
    DIR_ENTRIES_MAX = 4 * MODELS_PER_HIVE_MAX, /* of one directory that are looked at */
    PARTS_MAX = 512,                           /* of one model that are counted */
};

static bool is_gguf_name(const char *name)
{
    size_t len = strlen(name), suffix_len = sizeof(suffix) - 1;

    return len > suffix_len && strcmp(name + len - suffix_len, suffix) == 0;
}

/* --- References ------------------------------------------------------------ */

static bool is_dots(struct str part)
{
    return str_eq(part, "") || str_eq(part, ".") || str_eq(part, "..");
}

/* Parts between slashes, none of them empty, "." or "..". */
static bool parts_are_names(struct str ref)
{
    while (true) {
        const char *slash = memchr(ref.p, '/', ref.len);
        size_t len = slash ? (size_t)(slash - ref.p) : ref.len;
        if (is_dots((struct str){ ref.p, len }))
            return false;
        if (!slash)
            return true;
        ref = (struct str){ slash + 1, ref.len - len - 1 };
    }
}

static int check_ref(struct str ref, struct err *err)
{
    if (ref.len == 0 || ref.len >= MODEL_REF_SIZE - sizeof(suffix))
        return err_param(err, ERR_INVALID, "model", "'model' must be a reference of 1 to %zu bytes",
                         MODEL_REF_SIZE - sizeof(suffix) - 1);
    bool is_text = utf8_is_valid(ref);
    for (size_t i = 0; i < ref.len; i++)
        is_text = is_text && !iscntrl((unsigned char)ref.p[i]);
    if (!is_text)
        return err_param(err, ERR_INVALID, "model",
                         "'model' must be UTF-8 without control characters");
    if (!parts_are_names(ref))
        return err_param(err, ERR_INVALID, "model",
                         "'%.*s' is not a model reference: it names a model inside the models "
                         "directory, without '..' and not as an absolute path",
                         STR_ARG(ref));
    return 0;
}

static bool is_inside(const char *dir, const char *path)
{
    size_t len = strlen(dir);

    if (strcmp(dir, "/") == 0)
        return true;
    return strncmp(path, dir, len) == 0 && path[len] == '/';
}

static int open_dir(const char *dir, char ret_real[MODEL_PATH_SIZE], struct err *err)
{
    AUTO(free_ptr) char *real = realpath(dir, NULL);

    if (!real || !str_copy(ret_real, MODEL_PATH_SIZE, str_of(real)))
        return err_sys(err, "cannot read the models directory '%s'", dir);
    return 0;
}

/* --- One file ---------------------------------------------------------------- */

/* What lists say of a file. */
struct look {
    char path[MODEL_PATH_SIZE]; /* without links */
    uint64_t size_bytes, context_length;
};

/* False: no GGUF file. */
static bool read_header(struct look *look)
{
    char head[GGUF_HEAD_BYTES];
    AUTO(close_fd) int fd = open(look->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    ssize_t len = fd >= 0 ? read(fd, head, sizeof(head)) : -1;
    struct str bytes = { head, len > 0 ? (size_t)len : 0 };

    look->context_length = gguf_context_length(bytes);
    return gguf_has_magic(bytes);
}

/* The other parts of "NAME-00001-of-00003.gguf", as many as are there. */
static uint64_t other_parts_bytes(const char *first)
{
    static const char form[] = "-00001-of-00000.gguf";
    size_t len = strlen(first), end = sizeof(form) - 1;
    const char *tail = first + (len > end ? len - end : 0);
    uint64_t parts, sum = 0;
    struct stat st;

    if (len <= end || strncmp(tail, "-00001-of-", 10) != 0 ||
        !parse_u64_str((struct str){ tail + 10, 5 }, &parts))
        return 0;
    for (uint64_t part = 2; part <= parts && part <= PARTS_MAX; part++) {
        char path[MODEL_PATH_SIZE];
        (void)snprintf(path, sizeof(path), "%.*s-%05" PRIu64 "-of-%05" PRIu64 "%s",
                       (int)(len - end), first, part, parts, suffix);
        if (stat(path, &st) == 0 && S_ISREG(st.st_mode))
            sum += (uint64_t)st.st_size;
    }
    return sum;
}

enum found { FOUND_MODEL, FOUND_NOTHING, FOUND_OUTSIDE, FOUND_NO_FILE, FOUND_NO_GGUF };

/* Follow every link of `path` and look at what is there. */
static enum found look_at(const char *real_dir, const char *path, struct look *ret)
{
    AUTO(free_ptr) char *real = realpath(path, NULL);
    struct stat st;

    if (!real || stat(real, &st) < 0)
        return FOUND_NOTHING;
    if (!is_inside(real_dir, real))
        return FOUND_OUTSIDE;
    if (!S_ISREG(st.st_mode) || !str_copy(ret->path, MODEL_PATH_SIZE, str_of(real)))
        return FOUND_NO_FILE;
    ret->size_bytes = (uint64_t)st.st_size + other_parts_bytes(real);
    return read_header(ret) ? FOUND_MODEL : FOUND_NO_GGUF;
}

/* --- Directories --------------------------------------------------------------- */

struct names {
    char **items;
    size_t len;
};

static void names_free(struct names *n)
{
    for (size_t i = 0; i < n->len; i++)
        free(n->items[i]);
    free(n->items);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The entries of a directory in order, hidden ones left out. */
static bool names_read(const char *path, struct names *ret)
{
    DIR *dir = opendir(path);
    struct dirent *entry;

    *ret = (struct names){ 0 };
    if (!dir)
        return false;
    while (ret->len < DIR_ENTRIES_MAX && (entry = readdir(dir))) {
        if (entry->d_name[0] == '.')
            continue;
        ret->items = mem_resize(ret->items, (ret->len + 1) * sizeof(*ret->items));
        ret->items[ret->len++] = mem_copy(str_of(entry->d_name));
    }
    (void)closedir(dir);
    if (ret->len > 1)
        qsort(ret->items, ret->len, sizeof(*ret->items), by_name);
    return true;
}

static bool join(char out[MODEL_PATH_SIZE], const char *dir, const char *name, const char *end)
{
    struct buf b;
    bool fits;

    buf_init_fixed(&b, out, MODEL_PATH_SIZE);
    fits = buf_printf(&b, "%s/%s%s", dir, name, end);
    (void)buf_cstr(&b);
    return fits;
}

/* DIR/<ref>/ *.gguf: the first by name. */
static enum found look_into(const char *real_dir, const char *path, struct look *ret)
{
    AUTO(names_free) struct names names = { 0 };
    char file[MODEL_PATH_SIZE];

    if (!names_read(path, &names))
        return FOUND_NOTHING;
    for (size_t i = 0; i < names.len; i++)
        if (is_gguf_name(names.items[i]) && join(file, path, names.items[i], ""))
            return look_at(real_dir, file, ret);
    return FOUND_NOTHING;
}

static enum found find(const char *real_dir, const char *ref, struct look *ret)
{
    char path[MODEL_PATH_SIZE];
    enum found found = FOUND_NOTHING;

    if (join(path, real_dir, ref, suffix))
        found = look_at(real_dir, path, ret);
    if (found == FOUND_NOTHING && join(path, real_dir, ref, ""))
        found = look_into(real_dir, path, ret);
    return found;
}

int model_resolve(const char *dir, struct str ref, char ret_path[MODEL_PATH_SIZE], struct err *err)
{
    char real_dir[MODEL_PATH_SIZE], name[MODEL_REF_SIZE];
    struct look look;
    int rc = check_ref(ref, err);

    if (rc == 0)
        rc = open_dir(dir, real_dir, err);
    if (rc < 0)
        return rc;
    (void)str_copy(name, sizeof(name), ref);
    switch (find(real_dir, name, &look)) {
    case FOUND_MODEL:
        (void)str_copy(ret_path, MODEL_PATH_SIZE, str_of(look.path));
        return 0;
    case FOUND_NOTHING:
        return err_param(err, ERR_MODEL_NOT_FOUND, "model", "no model '%s' in %s", name, dir);
    case FOUND_OUTSIDE:
        return err_param(err, ERR_INVALID, "model", "'%s' leads out of the models directory", name);
    case FOUND_NO_FILE:
        return err_param(err, ERR_INVALID, "model", "'%s' is not a file", name);
    case FOUND_NO_GGUF:
        return err_param(err, ERR_INVALID, "model",
                         "'%s' is not a GGUF file (it does not begin with GGUF)", name);
    }
    return err_set(err, ERR_INTERNAL, "no such outcome");
}

/* --- The list -------------------------------------------------------------------- */

void model_list_free(struct model_list *l)
{
    free(l->entries);
    *l = (struct model_list){ 0 };
}

bool model_list_equal(const struct model_list *a, const struct model_list *b)
{
    for (size_t i = 0; i < a->len && i < b->len; i++)
        if (strcmp(a->entries[i].ref, b->entries[i].ref) != 0 ||
            a->entries[i].size_bytes != b->entries[i].size_bytes ||
            a->entries[i].context_length != b->entries[i].context_length)
            return false;
    return a->len == b->len;
}

void model_list_text(const struct model_list *l, char *ret, size_t size)
{
    enum { NAMED_MAX = 5 };
    struct buf b;

    buf_init_fixed(&b, ret, size);
    for (size_t i = 0; i < l->len && i < NAMED_MAX; i++)
        (void)buf_printf(&b, "%s%s", i > 0 ? ", " : "", l->entries[i].ref);
    if (l->len > NAMED_MAX)
        (void)buf_printf(&b, " and %zu more", l->len - NAMED_MAX);
    if (l->len == 0)
        (void)buf_puts(&b, "none");
    (void)buf_cstr(&b);
}

static void list_add(struct model_list *l, const char *ref, const struct look *look)
{
    if (l->len == MODELS_PER_HIVE_MAX)
        return;
    l->entries = mem_resize(l->entries, (l->len + 1) * sizeof(*l->entries));
    struct listed_model *entry = &l->entries[l->len++];
    *entry = (struct listed_model){ .size_bytes = look->size_bytes,
                                    .context_length = look->context_length };
    (void)str_copy(entry->ref, MODEL_REF_SIZE, str_of(ref));
}

/* "b/c" below DIR; "" for DIR itself. */
static bool child_ref(char out[MODEL_PATH_SIZE], const char *parent, const char *name)
{
    return parent[0] ? join(out, parent, name, "") : str_copy(out, MODEL_PATH_SIZE, str_of(name));
}

static void scan(const char *real_dir, const char *rel, unsigned depth, struct model_list *l)
{
    AUTO(names_free) struct names names = { 0 };
    char path[MODEL_PATH_SIZE], ref[MODEL_PATH_SIZE];
    struct look look;

    if (!join(path, real_dir, rel, "") || !names_read(path, &names))
        return;
    for (size_t i = 0; i < names.len && l->len < MODELS_PER_HIVE_MAX; i++) {
        struct err ignored;
        if (!child_ref(ref, rel, names.items[i]))
            continue;
        if (is_gguf_name(ref))
            ref[strlen(ref) - (sizeof(suffix) - 1)] = '\0';
        if (check_ref(str_of(ref), &ignored) < 0)
            continue;
        if (find(real_dir, ref, &look) == FOUND_MODEL)
            list_add(l, ref, &look);
        else if (depth < SCAN_DEPTH_MAX && child_ref(ref, rel, names.items[i]))
            scan(real_dir, ref, depth + 1, l);
    }
}

static int by_ref(const void *a, const void *b)
{
    return strcmp(((const struct listed_model *)a)->ref, ((const struct listed_model *)b)->ref);
}

/* x.gguf beside x/ gives the same reference twice. */
static void drop_doubles(struct model_list *l)
{
    size_t kept = 0;

    for (size_t i = 0; i < l->len; i++)
        if (kept == 0 || strcmp(l->entries[kept - 1].ref, l->entries[i].ref) != 0)
            l->entries[kept++] = l->entries[i];
    l->len = kept;
}

int model_list_scan(const char *dir, struct model_list *ret, struct err *err)
{
    struct model_list list = { 0 };
    char real_dir[MODEL_PATH_SIZE];
    int rc = open_dir(dir, real_dir, err);
    if (rc < 0)
        return rc;
    if (access(real_dir, R_OK | X_OK) < 0)
        return err_sys(err, "cannot read the models directory '%s'", dir);

    scan(real_dir, "", 1, &list);
    if (list.len > 1)
        qsort(list.entries, list.len, sizeof(*list.entries), by_ref);
    drop_doubles(&list);
    *ret = list;
    return 0;
}

bool model_ref_of_path(const char *dir, const char *path, char ret_ref[MODEL_REF_SIZE])
{
    char real_dir[MODEL_PATH_SIZE], parent[MODEL_PATH_SIZE];
    AUTO(free_ptr) char *real = realpath(path, NULL);
    struct err ignored;
    struct look first;

    if (!real || !is_gguf_name(real) || open_dir(dir, real_dir, &ignored) < 0 ||
        !is_inside(real_dir, real))
        return false;
    const char *rel = real + (strcmp(real_dir, "/") == 0 ? 0 : strlen(real_dir)) + 1;
    const char *slash = strrchr(rel, '/');
    if (slash && str_copy(parent, sizeof(parent), (struct str){ rel, (size_t)(slash - rel) }) &&
        find(real_dir, parent, &first) == FOUND_MODEL && strcmp(first.path, real) == 0)
        return str_copy(ret_ref, MODEL_REF_SIZE, str_of(parent));
    return str_copy(ret_ref, MODEL_REF_SIZE,
                    (struct str){ rel, strlen(rel) - (sizeof(suffix) - 1) });
}
