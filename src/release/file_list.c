#include "release/file_list.h"

#include "base/log.h"
#include "base/mem.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/stat.h>

const char *policy_file_title(const struct policy_file *file)
{
    const char *slash = strrchr(file->path, '/');

    return slash ? slash + 1 : file->path;
}

struct str policy_file_stem(const struct policy_file *file)
{
    const char *title = policy_file_title(file), *dot = strrchr(title, '.');

    return (struct str){ title, dot ? (size_t)(dot - title) : strlen(title) };
}

static struct policy_file *find(const struct file_list *l, const char *path)
{
    for (size_t i = 0; i < l->len; i++) {
        if (!l->items[i]->is_main && strcmp(l->items[i]->path, path) == 0)
            return l->items[i];
    }
    return NULL;
}

static struct policy_file *file_new(const char *path)
{
    struct policy_file *file = mem_alloc(1, sizeof(*file));

    (void)str_copy(file->path, sizeof(file->path), str_of(path));
    return file;
}

static int is_drop_in(const struct dirent *entry)
{
    enum script_language language;

    return entry->d_name[0] != '.' && script_language_of_file(str_of(entry->d_name), &language);
}

static int compare_names(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

/* The --scheduler FILE may stand among the drop-ins: it is not taken twice. */
static bool is_main_file(const struct file_list *l, const char *path)
{
    struct stat a, b;

    return l->main && stat(path, &a) == 0 && stat(l->main, &b) == 0 && a.st_dev == b.st_dev &&
           a.st_ino == b.st_ino;
}

/* The drop-ins of now: those that were there before keep what is known of them. */
static size_t list_drop_ins(struct file_list *l, struct policy_file **ret)
{
    const char *dir = l->dir;
    struct dirent **entries = NULL;
    int found = dir ? scandir(dir, &entries, is_drop_in, compare_names) : 0;
    size_t len = 0;

    for (int i = 0; i < found; i++) {
        char path[PATH_MAX];
        int path_len = snprintf(path, sizeof(path), "%s/%s", dir, entries[i]->d_name);
        if (len == FILE_LIST_MAX)
            log_warn("too many policy files, one is passed over",
                     LOG_STR("file", entries[i]->d_name));
        else if (path_len > 0 && (size_t)path_len < sizeof(path) && !is_main_file(l, path)) {
            struct policy_file *file = find(l, path);
            ret[len++] = file ? file : file_new(path);
        }
        free(entries[i]);
    }
    free(entries);
    return len;
}

void policy_file_say_gone(const struct policy_file *file)
{
    log_warn("a policy file has gone, its last good version stays", LOG_STR("file", file->path),
             LOG_STR("policy", file->name));
}

static bool is_listed(struct policy_file *const *list, size_t len, const struct policy_file *file)
{
    for (size_t i = 0; i < len; i++) {
        if (list[i] == file)
            return true;
    }
    return false;
}

/* The --scheduler FILE stays in any case. */
void file_list_renew(struct file_list *l)
{
    struct policy_file *now[FILE_LIST_MAX];
    size_t first = l->len > 0 && l->items[0]->is_main ? 1 : 0;
    size_t len = list_drop_ins(l, now);

    for (size_t i = first; i < l->len; i++) {
        if (is_listed(now, len, l->items[i]))
            continue;
        policy_file_say_gone(l->items[i]);
        free(l->items[i]);
    }
    for (size_t i = 0; i < len; i++)
        l->items[first + i] = now[i];
    l->len = first + len;
}

bool file_list_has_any(const struct file_list *l)
{
    struct dirent **entries = NULL;
    int found = l->dir ? scandir(l->dir, &entries, is_drop_in, compare_names) : 0;

    for (int i = 0; i < found; i++)
        free(entries[i]);
    free(entries);
    return l->main || found > 0;
}

void file_list_init(struct file_list *l, const char *main, const char *dir)
{
    *l = (struct file_list){ .main = main, .dir = dir };
    if (!main)
        return;
    l->items[l->len++] = file_new(main);
    l->items[0]->is_main = true;
}

void file_list_deinit(struct file_list *l)
{
    for (size_t i = 0; i < l->len; i++)
        free(l->items[i]);
}
