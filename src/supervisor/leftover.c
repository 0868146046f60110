#include "supervisor/leftover.h"

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"
#include "models/models.h"
#include "supervisor/procfs.h"

#include <dirent.h>
#include <signal.h>
#include <string.h>

enum { CMDLINE_BYTES_MAX = 1024 * 1024, PATH_BYTES_MAX = 512 };

bool process_model(const char *record, struct str cmdline, const char *models_dir,
                   char ret[MODEL_REF_SIZE])
{
    static const char *const by_reference[] = { "--model-ref", "--alias", NULL };
    static const char *const by_path[] = { "--model", "-m", NULL };
    char path[MODEL_PATH_SIZE];

    if (record && record[0])
        return str_copy(ret, MODEL_REF_SIZE, str_of(record));
    if (procfs_cmdline_option(cmdline, by_reference, ret, MODEL_REF_SIZE))
        return true;
    return procfs_cmdline_option(cmdline, by_path, path, sizeof(path)) &&
           model_ref_of_path(models_dir, path, ret);
}

static bool read_file(const char *proc_root, const char *pid, const char *name, struct buf *out)
{
    char path[PATH_BYTES_MAX];
    struct buf p;
    struct err ignored; /* it has gone, or is not ours to read */

    buf_init_fixed(&p, path, sizeof(path));
    buf_clear(out);
    return buf_printf(&p, "%s/%s/%s", proc_root, pid, name) &&
           file_read(buf_cstr(&p), out, &ignored) == 0;
}

static bool has_our_token(struct str cmdline, const char *tokens_dir)
{
    static const char *const names[] = { "--token-file", NULL };
    char path[MODEL_PATH_SIZE];
    size_t len = strlen(tokens_dir);

    return procfs_cmdline_option(cmdline, names, path, sizeof(path)) &&
           strncmp(path, tokens_dir, len) == 0 && path[len] == '/';
}

struct search {
    const char *proc_root, *tokens_dir, *models_dir;
    leftover_fn *on_end;
    void *data;
    struct buf text;
};

/* Its number is still its own: what we read a moment ago came from the same process,
 * or the group has gone and nothing is hit. */
static bool end_one(struct search *s, const char *pid, struct str cmdline)
{
    static const char *const id_names[] = { "--worker-id", NULL };
    char worker_id[WORKER_ID_SIZE] = "", model[MODEL_REF_SIZE] = "";
    struct proc_stat stat;

    (void)procfs_cmdline_option(cmdline, id_names, worker_id, sizeof(worker_id));
    if (!process_model(NULL, cmdline, s->models_dir, model))
        model[0] = '\0';
    if (!read_file(s->proc_root, pid, "stat", &s->text) ||
        !procfs_parse_stat(buf_str(&s->text), &stat) || stat.pgrp == getpgrp() || stat.pgrp <= 1 ||
        kill(-stat.pgrp, SIGKILL) < 0)
        return false;
    s->on_end(s->data, stat.pid, worker_id, model);
    return true;
}

size_t leftovers_end(const char *proc_root, const char *tokens_dir, const char *models_dir,
                     leftover_fn *on_end, void *data)
{
    struct search s = { proc_root, tokens_dir, models_dir, on_end, data, { 0 } };
    AUTO(buf_deinit) struct buf cmdline;
    struct dirent *entry;
    size_t ended = 0;
    DIR *dir = opendir(proc_root);

    if (!dir)
        return 0;
    buf_init(&cmdline, CMDLINE_BYTES_MAX);
    buf_init(&s.text, CMDLINE_BYTES_MAX);
    while ((entry = readdir(dir)))
        if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9' &&
            read_file(proc_root, entry->d_name, "cmdline", &cmdline) &&
            has_our_token(buf_str(&cmdline), tokens_dir))
            ended += end_one(&s, entry->d_name, buf_str(&cmdline));
    buf_deinit(&s.text);
    (void)closedir(dir);
    return ended;
}
