/* The set of workers: who is in it, what they are given, and the clock that drives them. */
#include "supervisor/internal.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/random.h"
#include "supervisor/log_file.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

enum { ID_DIGITS = 6, SLOTS_DEFAULT = 4 };

void supervisor_options_init(struct supervisor_options *o)
{
    *o = (struct supervisor_options){
        .proc_root = "/proc",
        .ports = { 8080, 8999 },
        .cores = 1,
        .start_ms = 600000,
        .drain_ms = 30000,
        .terminate_ms = 10000,
        .silent_ms = 10000,
        .keep_failed_ms = 60000,
    };
}

static struct supervised *from_link(struct list *link)
{
    return container_of(link, struct supervised, link);
}

/* --- The clock ------------------------------------------------------------------- */

static bool is_settled(const struct supervised *w)
{
    return w->phase == SUPERVISED_DEAD ||
           (w->phase == SUPERVISED_RUNNING && w->facts.state != WORKER_STARTING);
}

static uint64_t next_tick_ms(const struct supervisor *s)
{
    for (struct list *it = s->workers.next; it != &s->workers; it = it->next)
        if (!is_settled(from_link(it)))
            return TICK_MS;
    return QUIET_TICK_MS;
}

void supervisor_tick_soon(struct supervisor *s)
{
    loop_timer_start(&s->tick, 0);
}

static void sample(struct supervisor *s, uint64_t now_ms)
{
    if (now_ms - s->sampled_ms < QUIET_TICK_MS)
        return;
    s->sampled_ms = now_ms;
    struct sampler_target *targets = mem_alloc(s->count, sizeof(*targets));
    size_t len = 0;
    for (struct list *it = s->workers.next; it != &s->workers; it = it->next) {
        const struct supervised *w = from_link(it);
        if (!w->child)
            continue;
        targets[len].pgid = (pid_t)w->facts.pid;
        memcpy(targets[len++].cgroup, w->cgroup, sizeof(w->cgroup));
        log_file_trim(s->logs_dir, w->facts.id, LOG_FILE_BYTES_MAX);
    }
    sampler_look(s->sampler, targets, len);
    free(targets);
}

static void on_rates(void *data, pid_t pgid, const struct usage_rates *rates)
{
    struct supervisor *s = data;

    for (struct list *it = s->workers.next; it != &s->workers; it = it->next) {
        struct supervised *w = from_link(it);
        if (!w->child || (pid_t)w->facts.pid != pgid)
            continue;
        w->facts.cpu_pct = rates->cpu_pct;
        w->facts.rss_mb = rates->rss_mb;
        w->facts.io_r_mb_s = rates->io_r_mb_s;
        w->facts.io_w_mb_s = rates->io_w_mb_s;
    }
}

static void tell_when_stopped(struct supervisor *s)
{
    for (struct list *it = s->workers.next; it != &s->workers; it = it->next)
        if (from_link(it)->child)
            return;
    TAKE(s->on_stopped)(s->on_stopped_data);
}

static void on_tick(struct loop_timer *timer)
{
    struct supervisor *s = container_of(timer, struct supervisor, tick);
    uint64_t now_ms = loop_now_ms(s->loop);
    struct list *it, *tmp;

    LIST_FOREACH(it, tmp, &s->workers) {
        struct supervised *w = from_link(it);
        w->facts.uptime_s = (now_ms - w->started_ms) / 1000;
        lifecycle_step(w, now_ms);
    }
    sample(s, now_ms);
    loop_timer_start(&s->tick, next_tick_ms(s));
    if (s->on_stopped)
        tell_when_stopped(s);
}

/* --- Members ---------------------------------------------------------------------- */

static void supervised_free(struct supervised *w)
{
    launch_clean_up(w);
    list_remove(&w->link);
    w->owner->count--;
    http_fetch_cancel(w->probe);
    worker_facts_free(&w->facts);
    free(w);
}

void supervisor_emit(struct supervised *w, enum supervised_event what)
{
    w->owner->on_event(w->owner->data, w, what);
    if (what == SUPERVISED_GONE)
        supervised_free(w);
}

const struct supervised *supervisor_find(const struct supervisor *s, const char *worker_id)
{
    for (struct list *it = s->workers.next; it != &s->workers; it = it->next)
        if (strcmp(from_link(it)->facts.id, worker_id) == 0)
            return from_link(it);
    return NULL;
}

const struct supervised *supervisor_first(const struct supervisor *s)
{
    return list_is_empty(&s->workers) ? NULL : from_link(s->workers.next);
}

const struct supervised *supervisor_next(const struct supervisor *s, const struct supervised *w)
{
    return w->link.next == &s->workers ? NULL : from_link(w->link.next);
}

size_t supervisor_count(const struct supervisor *s)
{
    return s->count;
}

/* --- Starting ----------------------------------------------------------------------- */

uint32_t supervisor_threads_left(const struct supervisor *s)
{
    uint32_t given = 0;

    for (struct list *it = s->workers.next; it != &s->workers; it = it->next)
        if (from_link(it)->child)
            given += from_link(it)->threads;
    return given + 2 <= s->options.cores ? s->options.cores - 1 - given : 1;
}

static bool is_ours(const struct supervisor *s, uint16_t port)
{
    for (struct list *it = s->workers.next; it != &s->workers; it = it->next)
        if (from_link(it)->child && from_link(it)->facts.port == port)
            return true;
    return false;
}

/* Round and round, so that a port is not given anew while somebody still takes the
 * worker that died there for alive. */
static int choose_port(struct supervisor *s, uint16_t *ret, struct err *err)
{
    const struct port_range *range = &s->options.ports;
    uint32_t len = (uint32_t)range->to - range->from + 1;

    for (uint32_t i = 0; i < len; i++) {
        uint16_t port = (uint16_t)(range->from + (s->ports_tried + i) % len);
        if (is_ours(s, port) || !port_is_free(s->options.listen_host, port))
            continue;
        s->ports_tried = (s->ports_tried + i + 1) % len;
        *ret = port;
        return 0;
    }
    return err_set(err, ERR_UNAVAILABLE,
                   "no port of %u-%u is free on %s: stop a worker, or give the hive more with "
                   "--worker-ports",
                   range->from, range->to, s->options.listen_host);
}

static void choose_id(const struct supervisor *s, char ret[WORKER_ID_SIZE])
{
    char digits[ID_DIGITS + 1];

    do {
        random_hex(digits, ID_DIGITS);
        (void)snprintf(ret, WORKER_ID_SIZE, "%.*s-%s", WORKER_ID_SIZE - ID_DIGITS - 2,
                       s->options.id_prefix, digits);
    } while (supervisor_find(s, ret));
}

static struct supervised *supervised_new(struct supervisor *s, const struct worker_spec *spec,
                                         uint16_t port)
{
    struct supervised *w = mem_alloc(1, sizeof(*w));
    struct worker_facts *f = &w->facts;

    w->owner = s;
    w->ctx = spec->ctx;
    w->threads = spec->threads > 0 ? spec->threads : supervisor_threads_left(s);
    w->progress_pct = -1;
    w->started_ms = w->answered_ms = loop_now_ms(s->loop);
    (void)str_copy(w->device, sizeof(w->device), str_of(spec->device[0] ? spec->device : "cpu"));
    choose_id(s, f->id);
    (void)str_copy(f->model, sizeof(f->model), str_of(spec->model));
    (void)str_copy(f->address, sizeof(f->address), str_of(s->options.address));
    (void)str_copy(f->group, sizeof(f->group), str_of("llm"));
    (void)snprintf(f->instance, sizeof(f->instance), "%u", port);
    f->port = port;
    f->kind = WORKER_KIND_RBEE;
    f->state = WORKER_STARTING;
    f->slots = spec->slots > 0 ? spec->slots : SLOTS_DEFAULT;
    labels_copy(&f->labels, &spec->labels);
    list_push_back(&s->workers, &w->link);
    s->count++;
    return w;
}

int supervisor_spawn(struct supervisor *s, const struct worker_spec *spec,
                     const struct supervised **ret, struct err *err)
{
    uint16_t port = 0;

    if (s->on_stopped)
        return err_set(err, ERR_UNAVAILABLE, "this hive is stopping");
    if (s->count >= WORKERS_PER_HIVE_MAX)
        return err_set(err, ERR_LIMIT, "this hive has %zu workers already", s->count);
    int rc = choose_port(s, &port, err);
    if (rc < 0)
        return rc;
    struct supervised *w = supervised_new(s, spec, port);
    rc = launch(w, spec->model_path, err);
    if (rc < 0) {
        supervised_free(w);
        return rc;
    }
    supervisor_tick_soon(s);
    *ret = w;
    return 0;
}

/* --- Stopping ------------------------------------------------------------------------ */

void supervisor_stop_worker(struct supervisor *s, const struct supervised *w, bool now)
{
    for (struct list *it = s->workers.next; it != &s->workers; it = it->next)
        if (from_link(it) == w)
            lifecycle_stop(from_link(it), now);
}

void supervisor_stop(struct supervisor *s, void (*on_done)(void *data), void *data)
{
    s->on_stopped = on_done;
    s->on_stopped_data = data;
    for (struct list *it = s->workers.next; it != &s->workers; it = it->next)
        lifecycle_stop(from_link(it), false);
    supervisor_tick_soon(s);
}

/* --- Life ----------------------------------------------------------------------------- */

/* The path without links, which is how leftovers are known again. */
static int make_dir(const char *state_dir, const char *name, char ret[STATE_PATH_SIZE],
                    struct err *err)
{
    char path[STATE_PATH_SIZE];
    int len = snprintf(path, sizeof(path), "%s/%s", state_dir, name);

    if (len < 0 || len >= STATE_PATH_SIZE)
        return err_set(err, ERR_LIMIT, "the state directory's path is too long");
    int rc = file_make_dir(path, err);
    if (rc < 0)
        return rc;
    AUTO(free_ptr) char *real = realpath(path, NULL);
    if (!real || !str_copy(ret, STATE_PATH_SIZE, str_of(real)))
        return err_sys(err, "cannot use %s", path);
    return 0;
}

/* Tokens of workers that no longer are. */
static void empty_dir(const char *path)
{
    struct dirent *entry;
    DIR *dir = opendir(path);

    if (!dir)
        return;
    while ((entry = readdir(dir)))
        if (entry->d_name[0] != '.')
            (void)unlinkat(dirfd(dir), entry->d_name, 0);
    (void)closedir(dir);
}

int supervisor_new(struct loop *loop, struct http_client *client,
                   const struct supervisor_options *options, supervised_fn *on_event, void *data,
                   struct supervisor **ret, struct err *err)
{
    AUTO(free_ptr) struct supervisor *s = mem_alloc(1, sizeof(*s));
    int rc = make_dir(options->state_dir, "logs", s->logs_dir, err);

    if (rc == 0)
        rc = make_dir(options->state_dir, "tokens", s->tokens_dir, err);
    if (rc < 0)
        return rc;
    (void)leftovers_end(options->proc_root, s->tokens_dir, options->models_dir,
                        options->on_leftover, data);
    empty_dir(s->tokens_dir);
    if (options->cgroups)
        cgroup_tree_sweep(options->cgroups);
    s->loop = loop;
    s->client = client;
    s->options = *options;
    s->ports_tried = (uint32_t)(random_u64() % UINT16_MAX);
    s->on_event = on_event;
    s->data = data;
    list_init(&s->workers);
    loop_timer_init(loop, &s->tick, on_tick);
    loop_timer_start(&s->tick, QUIET_TICK_MS);
    s->sampler = sampler_new(loop, options->proc_root, on_rates, s);
    *ret = TAKE(s);
    return 0;
}

void supervisor_free(struct supervisor *s)
{
    struct list *it, *tmp;

    if (!s)
        return;
    LIST_FOREACH(it, tmp, &s->workers) {
        struct supervised *w = from_link(it);
        if (w->child) {
            child_signal_group(w->child, SIGKILL);
            child_forget(w->child);
        }
        supervised_free(w);
    }
    loop_timer_stop(&s->tick);
    sampler_free(s->sampler);
    free(s);
}
