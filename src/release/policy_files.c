/*
 * Files are taken one after the other: the --scheduler FILE, then drop-ins in the order of
 * their names. A text that was taken once is known by its hash and not tried again.
 */
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "loop/watch.h"
#include "release/file_list.h"
#include "release/release_private.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

enum { TRY_AGAIN_MS = 5000 };

struct policy_files {
    struct release *r;
    struct file_list list;
    struct file_watch *watches[2];
    struct loop_timer again; /* for what could not be tried */
    bool is_starting, is_busy, is_changed /* while busy */;
    size_t at; /* the one at hand, while busy */
    struct buf text;
    enum script_language language;
    struct validation *validation;
    struct validation_context recent[1];
};

static void look(struct policy_files *f);
static void take_next(struct policy_files *f);

/* In messages, which have no room for any path. */
static const char *place_of(const struct policy_file *file)
{
    enum { ROOM = 160 };

    return strlen(file->path) <= ROOM ? file->path : policy_file_title(file);
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
    struct policy_file *file = f->list.items[f->at];

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
        name = policy_file_stem(file);
    if (policy_name_is_reserved(name))
        return err_set(err, ERR_INVALID,
                       "%s: '%.*s' is the name of a built-in policy: write another @name (in YAML: "
                       "name) into it",
                       place_of(file), STR_ARG(name));
    if (!policy_name_is_valid(name))
        return err_set(err, ERR_INVALID,
                       "%s: the file's name names its policy: use letters, digits, '.', '_' and "
                       "'-' only, or write @name into it",
                       place_of(file));
    for (size_t i = 0; i < f->list.len; i++) {
        if (f->list.items[i] != file && str_eq(name, f->list.items[i]->name))
            return err_set(err, ERR_CONFLICT, "%s: its policy is called '%s' as that of '%s'",
                           place_of(file), f->list.items[i]->name, place_of(f->list.items[i]));
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
    struct policy_file *file = f->list.items[f->at];
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
                  .message = policy_file_title(file),
                  .activate = wants_activation(f, file, is_known),
                  .on_done = on_taken,
                  .data = f,
              },
              NULL);
}

static void on_validated(void *data, const struct validation_result *result)
{
    struct policy_files *f = data;
    struct policy_file *file = f->list.items[f->at];
    struct err err;

    f->validation = NULL;
    if (result->is_valid) {
        take(f, &result->info.header, false);
        return;
    }
    (void)release_explain(place_of(file), &result->diagnostics, result->is_untried, &err);
    file_failed(f, file, &err);
}

static void validate(struct policy_files *f)
{
    f->recent[0] = (struct validation_context){ f->r->options.live, "the state of now" };
    f->validation = validation_start(f->r->loop, f->r->sandbox,
                                     &(struct validation_options){
                                         .language = f->language,
                                         .source = buf_str(&f->text),
                                         .name = policy_file_title(f->list.items[f->at]),
                                         .recent = f->recent,
                                         .recent_len = f->recent[0].region ? 1 : 0,
                                         .on_done = on_validated,
                                         .data = f,
                                     });
}

static int read_file(struct policy_files *f, struct policy_file *file, struct err *err)
{
    struct stat st;

    buf_clear(&f->text);
    /* To open a pipe would be to wait for its writer, and everybody with it. */
    if (stat(file->path, &st) == 0 && !S_ISREG(st.st_mode))
        return err_set(err, ERR_INVALID, "%s: not a regular file", place_of(file));
    if (!script_language_of_file(str_of(file->path), &f->language))
        return err_set(err, ERR_INVALID, "%s: a policy's file ends in .lua, .yaml, .yml or .rhai",
                       place_of(file));
    return file_read(file->path, &f->text, err);
}

/* The --scheduler FILE may go, and come back. */
static bool is_gone(const struct policy_files *f, struct policy_file *file, const struct err *err)
{
    if (f->is_starting || err->sys_errno != ENOENT)
        return false;
    if (!file->is_gone)
        policy_file_say_gone(file);
    file->is_gone = true;
    file->error[0] = '\0';
    return true;
}

/* True: it is under way, and goes on from the loop. */
static bool take_one(struct policy_files *f, struct policy_file *file)
{
    struct policy_version known;
    char hash[SHA256_HEX_SIZE];
    struct err err;

    if (read_file(f, file, &err) < 0) {
        file->hash[0] = '\0';
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
    while (f->at < f->list.len) {
        if (take_one(f, f->list.items[f->at]))
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
    file_list_renew(&f->list);
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
    file_list_init(&f->list, r->options.file, r->options.drop_in_dir);
    buf_init(&f->text, STORE_SOURCE_BYTES_MAX);
    loop_timer_init(r->loop, &f->again, on_again);
    return f;
}

void policy_files_free(struct policy_files *f)
{
    loop_timer_stop(&f->again);
    for (size_t i = 0; i < 2; i++)
        file_watch_free(f->watches[i]);
    if (f->validation)
        validation_cancel(f->validation);
    file_list_deinit(&f->list);
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
    for (size_t i = 0; i < f->list.len; i++) {
        if (f->list.items[i]->error[0])
            return f->list.items[i]->error;
    }
    return "";
}

bool policy_files_exist(const struct policy_files *f)
{
    return file_list_has_any(&f->list);
}
