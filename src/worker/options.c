#include "worker/options.h"

#include "base/random.h"
#include "engine/engine.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define TEXT(name_, member_, metavar_, help_)                                                     \
    {                                                                                             \
        .name = (name_), .type = OPTION_TEXT, .offset = offsetof(struct worker_options, member_), \
        .metavar = (metavar_), .help = (help_)                                                    \
    }
#define INT(name_, member_, min_, max_, help_)                                                   \
    {                                                                                            \
        .name = (name_), .type = OPTION_INT, .offset = offsetof(struct worker_options, member_), \
        .metavar = "N", .min = (min_), .max = (max_), .help = (help_)                            \
    }

/* clang-format off */
static const struct option rows[] = {
    OPTION_COMMON_ROWS(struct worker_options, common, "127.0.0.1:8080"),
    TEXT("model", model, "FILE", "Serve this model, a GGUF file or a directory that holds one; needed"),
    TEXT("model-ref", model_ref, "NAME", "The model's name in requests; by default its file's name without .gguf"),
    TEXT("alias", alias, "NAME", "The same as --model-ref"),
    { .name = "slots", .type = OPTION_INT, .offset = offsetof(struct worker_options, slots),
      .metavar = "N", .min = 1, .max = ENGINE_SLOTS_MAX, .fallback = "4",
      .help = "Answer this many requests at once" },
    INT("ctx", ctx, 0, 1 << 24, "Tokens of context for each slot; by default what the model was trained for"),
    INT("threads", threads, 0, ENGINE_THREADS_MAX,
        "Threads of the engine, which spin while they wait: not more than there are free cores; by default all but one"),
    TEXT("device", device, "DEVICE", "Run on cpu, cuda:0, vulkan:1 ...; by default on whatever is there"),
    { .name = "gpu-layers", .type = OPTION_INT, .offset = offsetof(struct worker_options, gpu_layers),
      .metavar = "N", .min = -1, .max = 10000, .fallback = "-1",
      .help = "Layers of the model to keep on the GPU; -1 for all" },
    { .name = "queue", .type = OPTION_INT, .offset = offsetof(struct worker_options, queue),
      .metavar = "N", .min = -1, .max = 100000, .fallback = "-1",
      .help = "Requests that may wait for a slot, beyond it 503; -1 for twice the slots" },
    TEXT("worker-id", worker_id, "ID", "This worker's name in telemetry; by default a random one"),
    { .name = "label", .type = OPTION_LIST, .flags = OPTION_PAIR,
      .offset = offsetof(struct worker_options, labels), .metavar = "KEY=VALUE",
      .help = "A label for the queen's policies; repeatable" },
    TEXT("queen-url", queen_url, "URL", "Report to this queen each second (a worker that no hive has started)"),
    TEXT("queen-token-file", queen_token_file, "FILE", "The token to show to the queen"),
    TEXT("engine-dir", engine_dir, "DIR", "Where the engine's libraries are; by default ../vendor/llama/lib or ../lib/rbee/engine beside this program"),
    { .name = "drain-timeout", .type = OPTION_DURATION,
      .offset = offsetof(struct worker_options, drain_timeout_ms), .metavar = "TIME", .min = 0, .max = 3600 * 1000.0,
      .fallback = "30s", .help = "How long running answers may take after SIGTERM" },
    { .name = "exit-with-parent", .type = OPTION_FLAG,
      .flags = OPTION_NO_ENV | OPTION_NO_FILE, .offset = offsetof(struct worker_options, exit_with_parent),
      .help = "Exit when the process that started this one has ended; hives ask for it" },
    { 0 },
};
/* clang-format on */

static const struct option_exit exits[] = {
    { WORKER_EXIT_OK, "it was told to stop, and has" },
    { WORKER_EXIT_FAILED, "it failed; the last line of the log says why" },
    { WORKER_EXIT_USAGE, "wrong use: an option is unknown, missing or has a bad value" },
    { WORKER_EXIT_MODEL, "the model cannot be read, is not GGUF, or is damaged" },
    { WORKER_EXIT_ENGINE, "the inference engine is not installed" },
    { 0, NULL },
};

const struct option_program worker_program = {
    .name = "llm-worker-rbee",
    .summary = "serve one language model over HTTP",
    .usage = "[OPTION]... --model FILE",
    .description =
        "Loads a GGUF model into this process and answers requests for inference: OpenAI's routes "
        "(/v1/chat/completions, /v1/completions, /v1/embeddings, /v1/models) and rbee's own "
        "(/v1/inference). Usually started by rbee-hive; it also serves alone.\n\n"
        "Inference is llama.cpp's, loaded at run time. `make engine` in the source tree installs "
        "it.",
    .env_prefix = "RBEE_",
    .options = rows,
    .exits = exits,
};

/* What comes after the last slash, and what before; trailing slashes do not count. */
static void split_path(const char *path, struct str *ret_dir, struct str *ret_name)
{
    size_t end = strlen(path);

    while (end > 1 && path[end - 1] == '/')
        end--;
    size_t start = end;
    while (start > 0 && path[start - 1] != '/')
        start--;
    *ret_dir = start > 0 ? (struct str){ path, start } : str_of(".");
    *ret_name = (struct str){ path + start, end - start };
}

/* "models/tiny.gguf" is "tiny", and so is "models/tiny/". */
static bool ref_of_path(const char *path, char ret[MODEL_REF_SIZE])
{
    static const char suffix[] = ".gguf";
    struct str dir, name;
    size_t len = sizeof(suffix) - 1;

    split_path(path, &dir, &name);
    if (name.len > len && memcmp(name.p + name.len - len, suffix, len) == 0)
        name.len -= len;
    return name.len > 0 && str_copy(ret, MODEL_REF_SIZE, name);
}

static int find_model(struct worker_options *o, struct err *err)
{
    char parent[MODEL_PATH_SIZE];
    struct str dir, name;
    struct stat st;

    if (!o->model || !o->model[0])
        return err_param(err, ERR_INVALID, "--model",
                         "no model was given: say --model FILE.gguf (see --help)");
    if (!str_copy(o->model_file, sizeof(o->model_file), str_of(o->model)))
        return err_param(err, ERR_INVALID, "--model", "--model: the path is too long");
    if (stat(o->model, &st) < 0 || !S_ISDIR(st.st_mode))
        return 0;
    split_path(o->model, &dir, &name);
    (void)str_copy(parent, sizeof(parent), dir);
    if (model_resolve(parent, name, o->model_file, err) < 0)
        return err_param(err, ERR_INVALID, "model", "there is no model (*.gguf) in '%s'", o->model);
    return 0;
}

static int check_names(struct worker_options *o, struct err *err)
{
    const char *ref = o->model_ref ? o->model_ref : o->alias;

    if (ref ? !str_copy(o->ref, sizeof(o->ref), str_of(ref)) : !ref_of_path(o->model, o->ref))
        return err_param(err, ERR_INVALID, "model-ref", "--model-ref has 1 to %d characters",
                         MODEL_REF_SIZE - 1);
    if (!str_copy(o->id, sizeof(o->id), str_of(o->worker_id)))
        return err_param(err, ERR_INVALID, "worker-id", "--worker-id has at most %d characters",
                         WORKER_ID_SIZE - 1);
    if (!o->id[0]) {
        char hex[13];
        random_hex(hex, sizeof(hex) - 1);
        (void)snprintf(o->id, sizeof(o->id), "worker-%s", hex);
    }
    return 0;
}

/* The loop and whoever else runs here need a core too: the engine's threads do not
 * sleep while they wait for one another. */
static int64_t default_threads(void)
{
    cpu_set_t ours;
    int cores = sched_getaffinity(0, sizeof(ours), &ours) == 0 ? CPU_COUNT(&ours) : 1;
    return cores > ENGINE_THREADS_MAX ? ENGINE_THREADS_MAX : cores > 2 ? cores - 1 : 1;
}

int worker_options_check(struct worker_options *o, struct err *err)
{
    if (find_model(o, err) < 0 || check_names(o, err) < 0)
        return err->code;
    for (size_t i = 0; i < o->labels.len; i++) {
        if (labels_set_pair(&o->label_map, str_of(o->labels.items[i]), err) < 0)
            return err_wrap(err, "--label");
    }
    if (o->exit_with_parent) { /* its hive reports it; RBEE_QUEEN_URL is the hive's own */
        free(o->queen_url);
        o->queen_url = NULL;
    }
    if (o->queen_url && endpoint_parse(str_of(o->queen_url), &o->queen, err) < 0)
        return err_wrap(err, "--queen-url");
    if (o->threads == 0)
        o->threads = default_threads();
    if (o->queue < 0)
        o->queue = 2 * o->slots;
    return 0;
}

void worker_options_free(struct worker_options *o)
{
    labels_free(&o->label_map);
    options_free(&worker_program, o);
}
