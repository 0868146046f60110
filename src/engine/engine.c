#include "engine/engine.h"
#include "engine/internal.h"

#include "base/mem.h"
#include "engine/decoder.h"
#include "engine/embedder.h"
#include "engine/llama_api.h"
#include "engine/model_file.h"

#include <assert.h>
#include <signal.h>
#include <string.h>

/* The model is there, or will not be: say so once. */
static void tell_loaded(struct engine *e)
{
    pthread_mutex_lock(&e->lock);
    bool tell = !e->load_told && (e->is_loaded || e->load_err.code != 0);
    struct err err = e->load_err;
    e->load_told = e->load_told || tell;
    pthread_mutex_unlock(&e->lock);
    if (tell && e->options.on_loaded)
        e->options.on_loaded(e->options.data, err.code != 0 ? &err : NULL);
}

static void on_bell(void *data)
{
    struct engine *e = data;
    tell_loaded(e);
    run_deliver_all(e);
}

/* Signals are the loop's: none is to interrupt a batch. */
static void start_thread(struct engine *e)
{
    sigset_t all, before;

    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = pthread_create(&e->thread, NULL, engine_thread, e);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    assert(rc == 0);
}

static struct engine *engine_new(struct loop *loop, const struct engine_options *options)
{
    struct engine *e = mem_alloc(1, sizeof(*e));

    e->loop = loop;
    e->options = *options;
    e->options.lib_dir = e->lib_dir = mem_copy(str_of(options->lib_dir));
    e->options.model_path = e->model_path = mem_copy(str_of(options->model_path));
    if (options->device)
        e->options.device = e->device = mem_copy(str_of(options->device));
    list_init(&e->runs);
    list_init(&e->waiting);
    list_init(&e->active);
    list_init(&e->ready);
    (void)pthread_mutex_init(&e->lock, NULL);
    (void)pthread_cond_init(&e->wake, NULL);
    (void)pthread_cond_init(&e->quiet, NULL);
    e->bell = loop_bell_new(loop, on_bell, e);
    return e;
}

int engine_open(struct loop *loop, const struct engine_options *options, struct engine **ret,
                struct err *err)
{
    struct llama_api api;
    struct model_file file;

    assert(options->slots >= 1 && options->slots <= ENGINE_SLOTS_MAX);
    assert(options->threads >= 1 && options->threads <= ENGINE_THREADS_MAX);
    if (llama_api_open(options->lib_dir, &api, err) < 0 ||
        model_file_check(options->model_path, &file, err) < 0)
        return err->code;

    struct engine *e = engine_new(loop, options);
    e->model.api = api;
    memcpy(e->model.facts.fingerprint, file.fingerprint, sizeof(file.fingerprint));
    start_thread(e);
    *ret = e;
    return 0;
}

static void stop_thread(struct engine *e)
{
    pthread_mutex_lock(&e->lock);
    __atomic_store_n(&e->is_stopping, true, __ATOMIC_RELAXED);
    (void)pthread_cond_broadcast(&e->wake);
    pthread_mutex_unlock(&e->lock);
    (void)pthread_join(e->thread, NULL);
}

/* The pool may still be reading a prompt with the model's vocabulary. */
static void wait_for_pool(struct engine *e)
{
    pthread_mutex_lock(&e->lock);
    while (e->preparing > 0)
        (void)pthread_cond_wait(&e->quiet, &e->lock);
    pthread_mutex_unlock(&e->lock);
}

static void drop_runs(struct engine *e)
{
    struct list *it, *tmp;

    LIST_FOREACH(it, tmp, &e->runs) {
        struct engine_run *run = container_of(it, struct engine_run, link);
        if (run->state == RUN_PREPARING) {
            list_remove(&run->link);
            run->engine = NULL; /* freed when the pool hands it back */
        } else {
            run_free(run);
        }
    }
}

void engine_close(struct engine *e)
{
    if (!e)
        return;
    stop_thread(e);
    wait_for_pool(e);
    embedder_free(e->embedder);
    decoder_free(e->decoder);
    model_unload(&e->model);
    drop_runs(e);
    loop_bell_free(e->bell);
    (void)pthread_mutex_destroy(&e->lock);
    (void)pthread_cond_destroy(&e->wake);
    (void)pthread_cond_destroy(&e->quiet);
    free(e->lib_dir);
    free(e->model_path);
    free(e->device);
    free(e);
}

const struct engine_facts *engine_get_facts(const struct engine *e)
{
    return &e->model.facts;
}

void engine_get_stats(struct engine *e, struct engine_stats *ret)
{
    struct list *it, *tmp;

    pthread_mutex_lock(&e->lock);
    *ret = e->stats;
    ret->waiting = (unsigned)e->preparing;
    LIST_FOREACH(it, tmp, &e->waiting)
        ret->waiting++;
    pthread_mutex_unlock(&e->lock);
}
