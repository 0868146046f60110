/*
 * Files are taken one after the other: the --scheduler FILE, then drop-ins in the order of
 * their names. A text that was taken once is known by its hash and not tried again.
 */
#include "base/crypto.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "loop/watch.h"
#include "release/release_private.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

enum { DROP_INS_MAX = 64, TRY_AGAIN_MS = 5000 };

struct policy_file {
    char path[PATH_MAX];
    char name[SCRIPT_NAME_SIZE]; /* its policy's; "" until it was taken */
    char hash[SHA256_HEX_SIZE];  /* of the text that was looked at last; "": none */
    char error[sizeof(((struct err *)0)->msg)];
    bool is_main; /* --scheduler FILE: always there, the others while they are listed */
    bool is_gone; /* and that was said */
};

struct policy_files {
    struct release *r;
    struct policy_file **items; /* in their order */
    size_t len;
    struct file_watch *watches[2];
    struct loop_timer again; /* for what could not be tried */
    bool is_starting, is_busy, is_changed /* while busy */;
    size_t at; /* the one at hand, while busy */
    struct buf text;
    enum script_language language;
    struct validation *validation;
    const struct region *recent[1];
};

static void look(struct policy_files *f);
static void take_next(struct policy_files *f);

static const char *title_of(const struct policy_file *file)
{
    const char *slash = strrchr(file->path, '/');

    return slash ? slash + 1 : file->path;
}

/* The file's name without its ending. */
static struct str stem_of(const struct policy_file *file)
{
    const char *title = title_of(file), *dot = strrchr(title, '.');

    return (struct str){ title, dot ? (size_t)(dot - title) : strlen(title) };
}

/* --- What is there ---------------------------------------------------------------------- */

static struct policy_file *find(const struct policy_files *f, const char *path)
{
    for (size_t i = 0; i < f->len; i++) {
        if (!f->items[i]->is_main && strcmp(f->items[i]->path, path) == 0)
            return f->items[i];
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
static bool is_main_file(const struct policy_files *f, const char *path)
{
    struct stat a, b;

    return f->r->options.file && stat(path, &a) == 0 && stat(f->r->options.file, &b) == 0 &&
           a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/* The drop-ins of now: those that were there before keep what is known of them. */
static size_t list_drop_ins(struct policy_files *f, struct policy_file **ret)
{
    const char *dir = f->r->options.drop_in_dir;
    struct dirent **entries = NULL;
    int found = dir ? scandir(dir, &entries, is_drop_in, compare_names) : 0;
    size_t len = 0;

    for (int i = 0; i < found; i++) {
        char path[PATH_MAX];
        int path_len = snprintf(path, sizeof(path), "%s/%s", dir, entries[i]->d_name);
        if (len == DROP_INS_MAX)
            log_warn("too many policy files, one is passed over",
                     LOG_STR("file", entries[i]->d_name));
        else if (path_len > 0 && (size_t)path_len < sizeof(path) && !is_main_file(f, path)) {
            struct policy_file *file = find(f, path);
            ret[len++] = file ? file : file_new(path);
        }
        free(entries[i]);
    }
    free(entries);
    return len;
}

static void say_gone(const struct policy_file *file)
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

/* Renew the list. The first is the --scheduler FILE, which stays in any case. */
static void list_files(struct policy_files *f)
{
    struct policy_file *now[DROP_INS_MAX];
    size_t first = f->len > 0 && f->items[0]->is_main ? 1 : 0;
    size_t len = list_drop_ins(f, now);

    for (size_t i = first; i < f->len; i++) {
        if (is_listed(now, len, f->items[i]))
            continue;
        say_gone(f->items[i]);
        free(f->items[i]);
    }
    for (size_t i = 0; i < len; i++)
        f->items[first + i] = now[i];
    f->len = first + len;
}

/* --- One file --------------------------------------------------------------------------- */

/* Told once, because the text is not looked at again until it changes. */
static void file_failed(struct policy_files *f, struct policy_file *file, const struct err *err)
{
    (void)snprintf(file->error, sizeof(file->error), "%s", err->msg);
    if (err->code == ERR_UNAVAILABLE || err->code == ERR_SYSTEM) {
        file->hash[0] = '\0';
        loop_timer_start(&f->again, TRY_AGAIN_MS);
    }
    if (f->is_starting && file->is_main) {
        f->is_starting = false;
        release_ready(f->r, err);
        return;
    }
    log_error("a policy file is not taken, what was active stays", LOG_STR("file", file->path),
              LOG_ERR(err));
    f->at++;
    take_next(f);
}

static void on_taken(void *data, const struct deploy_result *result)
{
    struct policy_files *f = data;
    struct policy_file *file = f->items[f->at];

    if (result->code != 0) {
        file_failed(f, file, &result->err);
        return;
    }
    file->error[0] = '\0';
    log_info("a policy file is taken", LOG_STR("file", file->path),
             LOG_STR("policy", result->version.name), LOG_INT("version", result->version.version),
             LOG_INT("is_active", result->is_active));
    f->at++;
    take_next(f);
}

static int name_file(struct policy_files *f, struct policy_file *file,
                     const struct script_header *header, struct err *err)
{
    struct str name = str_of(header->name);

    if (!policy_name_is_valid(name))
        name = stem_of(file);
    if (!policy_name_is_valid(name))
        return err_set(err, ERR_INVALID,
                       "%s: the file's name names its policy: use letters, digits, '.', '_' and "
                       "'-' only, or write @name into it",
                       file->path);
    for (size_t i = 0; i < f->len; i++) {
        if (f->items[i] != file && str_eq(name, f->items[i]->name))
            return err_set(err, ERR_CONFLICT, "%s: its policy is called '%s' as that of '%s'",
                           file->path, f->items[i]->name, f->items[i]->path);
    }
    (void)str_copy(file->name, sizeof(file->name), name);
    return 0;
}

/* Shall it decide? See the head of release.h. At the start a text that is not new does not
 * undo what was chosen since. */
static bool wants_activation(const struct policy_files *f, const struct policy_file *file,
                             bool is_known)
{
    const struct policy_version *chosen = policy_store_active(f->r->store);

    if (file->is_main)
        return true;
    if (chosen)
        return strcmp(chosen->name, file->name) == 0 && !(f->is_starting && is_known);
    return !policy_store_has_choice(f->r->store);
}

static void take(struct policy_files *f, const struct script_header *header, bool is_known)
{
    struct policy_file *file = f->items[f->at];
    struct err err;

    if (name_file(f, file, header, &err) < 0) {
        file_failed(f, file, &err);
        return;
    }
    act_start(f->r,
              &(struct act_options){
                  .kind = ACT_STORE,
                  .name = file->name,
                  .language = f->language,
                  .source = buf_str(&f->text),
                  .header = header,
                  .message = title_of(file),
                  .activate = wants_activation(f, file, is_known),
                  .on_done = on_taken,
                  .data = f,
              },
              NULL);
}

static void on_validated(void *data, const struct validation_result *result)
{
    struct policy_files *f = data;
    struct policy_file *file = f->items[f->at];
    struct err err;

    f->validation = NULL;
    if (result->is_valid) {
        take(f, &result->info.header, false);
        return;
    }
    (void)release_explain(file->path, &result->diagnostics, result->is_untried, &err);
    file_failed(f, file, &err);
}

static void validate(struct policy_files *f)
{
    f->recent[0] = f->r->options.live;
    f->validation = validation_start(f->r->loop, f->r->sandbox,
                                     &(struct validation_options){
                                         .language = f->language,
                                         .source = buf_str(&f->text),
                                         .name = title_of(f->items[f->at]),
                                         .recent = f->recent,
                                         .recent_len = f->recent[0] ? 1 : 0,
                                         .on_done = on_validated,
                                         .data = f,
                                     });
}

static int read_file(struct policy_files *f, struct policy_file *file, struct err *err)
{
    buf_clear(&f->text);
    if (!script_language_of_file(str_of(file->path), &f->language))
        return err_set(err, ERR_INVALID, "%s: a policy's file ends in .lua, .yaml, .yml or .rhai",
                       file->path);
    return file_read(file->path, &f->text, err);
}

/* The --scheduler FILE may go, and come back. */
static bool is_gone(const struct policy_files *f, struct policy_file *file, const struct err *err)
{
    if (f->is_starting || err->sys_errno != ENOENT)
        return false;
    if (!file->is_gone)
        say_gone(file);
    file->is_gone = true;
    file->hash[0] = '\0';
    return true;
}

/* True: it is under way, and goes on from the loop. */
static bool take_one(struct policy_files *f, struct policy_file *file)
{
    struct policy_version known;
    char hash[SHA256_HEX_SIZE];
    struct err err;

    if (read_file(f, file, &err) < 0) {
        bool is_told = is_gone(f, file, &err) || strcmp(file->error, err.msg) == 0;
        if (!is_told)
            file_failed(f, file, &err);
        return !is_told;
    }
    file->is_gone = false;
    crypto_sha256_hex(buf_str(&f->text), hash);
    if (strcmp(hash, file->hash) == 0)
        return false;
    memcpy(file->hash, hash, sizeof(hash));
    if (policy_store_find(f->r->store, NULL, f->language, buf_str(&f->text), &known))
        take(f, &known.header, true);
    else
        validate(f);
    return true;
}

/* --- All of them --------------------------------------------------------------------------- */

static void finish(struct policy_files *f)
{
    bool was_starting = f->is_starting;

    f->is_busy = f->is_starting = false;
    if (was_starting)
        release_ready(f->r, NULL);
    if (f->is_changed)
        look(f);
}

static void take_next(struct policy_files *f)
{
    while (f->at < f->len) {
        if (take_one(f, f->items[f->at]))
            return;
        f->at++;
    }
    finish(f);
}

static void look(struct policy_files *f)
{
    f->is_changed = f->is_busy;
    if (f->is_busy)
        return;
    f->is_busy = true;
    list_files(f);
    f->at = 0;
    take_next(f);
}

static void on_change(void *data)
{
    look(data);
}

static void on_again(struct loop_timer *timer)
{
    look(container_of(timer, struct policy_files, again));
}

/* --- Life ---------------------------------------------------------------------------------- */

static void watch(struct policy_files *f)
{
    const char *const paths[] = { f->r->options.file, f->r->options.drop_in_dir };
    struct err err;

    for (size_t i = 0; i < 2 && f->r->options.watches_files; i++) {
        if (paths[i] && file_watch_new(f->r->loop, paths[i], f->r->options.debounce_ms, on_change,
                                       f, &f->watches[i], &err) < 0)
            log_error("policy files are not watched: changes need a restart", LOG_ERR(&err));
    }
}

struct policy_files *policy_files_new(struct release *r)
{
    struct policy_files *f = mem_alloc(1, sizeof(*f));

    f->r = r;
    f->items = mem_alloc(DROP_INS_MAX + 1, sizeof(struct policy_file *));
    buf_init(&f->text, STORE_SOURCE_BYTES_MAX);
    loop_timer_init(r->loop, &f->again, on_again);
    if (r->options.file) {
        f->items[f->len++] = file_new(r->options.file);
        f->items[0]->is_main = true;
    }
    return f;
}

void policy_files_free(struct policy_files *f)
{
    loop_timer_stop(&f->again);
    for (size_t i = 0; i < 2; i++)
        file_watch_free(f->watches[i]);
    if (f->validation)
        validation_cancel(f->validation);
    for (size_t i = 0; i < f->len; i++)
        free(f->items[i]);
    free(f->items);
    buf_deinit(&f->text);
    free(f);
}

void policy_files_begin(struct policy_files *f)
{
    f->is_starting = true;
    watch(f);
    look(f);
}

const char *policy_files_error(const struct policy_files *f)
{
    for (size_t i = 0; i < f->len; i++) {
        if (f->items[i]->error[0])
            return f->items[i]->error;
    }
    return "";
}

bool policy_files_exist(const struct policy_files *f)
{
    struct dirent **entries = NULL;
    const char *dir = f->r->options.drop_in_dir;
    int found = dir ? scandir(dir, &entries, is_drop_in, compare_names) : 0;

    for (int i = 0; i < found; i++)
        free(entries[i]);
    free(entries);
    return f->len > 0 || found > 0;
}
