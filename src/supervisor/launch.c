/* Starting one worker: its command line, its files, its process. */
#include "supervisor/internal.h"

#include "base/arena.h"
#include "base/mem.h"
#include "supervisor/log_file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { ARGV_MAX = 32 + 2 * LABELS_MAX, ARGV_BYTES_MAX = 256 * 1024 };

/* CUDA numbers GPUs by speed unless told otherwise; NVML, whose numbers our device ids
 * have, goes by bus. */
static const char device_order[] = "CUDA_DEVICE_ORDER=PCI_BUS_ID";

/* A command line whose words are kept in one block. */
struct command {
    const char *argv[ARGV_MAX];
    size_t argc;
    struct arena words;
};

static void add(struct command *c, const char *word)
{
    if (word && c->argc + 1 < ARGV_MAX)
        c->argv[c->argc++] = word;
}

static void add_option(struct command *c, const char *name, const char *value)
{
    add(c, name);
    add(c, arena_copy(&c->words, str_of(value)));
}

static void add_number(struct command *c, const char *name, uint32_t value)
{
    char text[16];

    (void)snprintf(text, sizeof(text), "%u", value);
    add_option(c, name, text);
}

static void add_labels(struct command *c, const struct labels *labels)
{
    char pair[LABEL_KEY_MAX + LABEL_VALUE_MAX + 2];
    const char *key, *value;

    for (size_t i = 0; i < labels->count; i++) {
        labels_at(labels, i, &key, &value);
        (void)snprintf(pair, sizeof(pair), "%s=%s", key, value);
        add_option(c, "--label", pair);
    }
}

static void fill_command(struct command *c, const struct supervised *w, const char *model_path,
                         const char *token_path)
{
    const struct supervisor_options *o = &w->owner->options;
    struct endpoint at = { .port = w->facts.port };
    char listen[ENDPOINT_TEXT_SIZE];

    (void)str_copy(at.host, sizeof(at.host), str_of(o->listen_host));
    endpoint_text(&at, listen);
    add(c, o->program);
    add_option(c, "--listen", listen);
    add_option(c, "--model", model_path);
    add_option(c, "--model-ref", w->facts.model);
    add_option(c, "--worker-id", w->facts.id);
    add_option(c, "--token-file", token_path);
    add_option(c, "--device", w->device);
    add_number(c, "--slots", w->facts.slots);
    add_number(c, "--threads", w->threads);
    if (w->ctx > 0)
        add_number(c, "--ctx", w->ctx);
    add_labels(c, &w->facts.labels);
    add(c, "--log-format=text"); /* its last line explains a failure to people */
    add(c, "--exit-with-parent");
    c->argv[c->argc] = NULL;
}

static void token_path_of(const struct supervised *w, char ret[STATE_PATH_SIZE + WORKER_ID_SIZE])
{
    (void)snprintf(ret, STATE_PATH_SIZE + WORKER_ID_SIZE, "%s/%s", w->owner->tokens_dir,
                   w->facts.id);
}

/* After exec: what it starts later is born there; it has started nothing yet. */
static void enter_cgroup(struct supervised *w)
{
    const struct cgroup_tree *tree = w->owner->options.cgroups;
    struct err err;

    if (!tree)
        return;
    if (cgroup_make(tree, w->facts.id, w->cgroup, &err) < 0 ||
        cgroup_enter(w->cgroup, (pid_t)w->facts.pid, &err) < 0)
        w->cgroup[0] = '\0';
}

/* The options in our environment are the hive's own (--queen-url, --state-dir, ...), but
 * for those that are a worker's. */
static bool is_for_workers(const char *variable)
{
    static const char *const passed[] = { "RBEE_ENGINE_DIR=", "RBEE_GPU_LAYERS=",
                                          "RBEE_LOG_LEVEL=" };

    for (size_t i = 0; i < sizeof(passed) / sizeof(passed[0]); i++)
        if (str_starts(str_of(variable), passed[i]))
            return true;
    return !str_starts(str_of(variable), "RBEE_") &&
           !str_starts(str_of(variable), "CUDA_DEVICE_ORDER=");
}

/* The caller frees the list. */
static const char **worker_environment(void)
{
    size_t len = 0, kept = 0;

    while (environ[len])
        len++;
    const char **env = mem_alloc(len + 2, sizeof(*env));
    for (size_t i = 0; i < len; i++)
        if (is_for_workers(environ[i]))
            env[kept++] = environ[i];
    env[kept] = device_order;
    return env;
}

static int start_child(struct supervised *w, const struct command *c, struct err *err)
{
    AUTO(close_fd) int log_fd = -1;
    int rc = log_file_open(w->owner->logs_dir, w->facts.id, &log_fd, err);
    if (rc < 0)
        return rc;
    AUTO(free_ptr) const char **env = worker_environment();
    const struct child_options options = {
        .argv = c->argv,
        .env = env,
        .log_fd = log_fd,
        .on_exit = lifecycle_on_exit,
        .data = w,
    };
    rc = child_start(w->owner->loop, &options, &w->child, err);
    if (rc < 0)
        return rc;
    w->facts.pid = (uint32_t)child_pid(w->child);
    enter_cgroup(w);
    return 0;
}

int launch(struct supervised *w, const char *model_path, struct err *err)
{
    char token_path[STATE_PATH_SIZE + WORKER_ID_SIZE];
    AUTO(free_ptr) struct command *c = mem_alloc(1, sizeof(*c));
    int rc;

    token_path_of(w, token_path);
    log_files_prune(w->owner->logs_dir, LOG_FILES_MAX - 1);
    rc = secret_create(token_path, &w->facts.token, err);
    if (rc < 0)
        return rc;
    arena_init(&c->words, ARGV_BYTES_MAX);
    fill_command(c, w, model_path, token_path);
    rc = start_child(w, c, err);
    arena_deinit(&c->words);
    if (rc < 0)
        (void)unlink(token_path);
    return rc;
}

void launch_clean_up(struct supervised *w)
{
    char token_path[STATE_PATH_SIZE + WORKER_ID_SIZE];

    token_path_of(w, token_path);
    (void)unlink(token_path);
    if (w->cgroup[0])
        (void)cgroup_remove(w->cgroup);
}
