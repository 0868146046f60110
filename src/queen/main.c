/* queen-rbee - the boot order of the queen. */
#include "queen/options.h"
#include "queen/settings.h"

#include "api/static_worker.h"
#include "base/file.h"
#include "base/log.h"
#include "base/parse.h"
#include "daemon/daemon.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { EXIT_FAILED = 1, EXIT_USAGE = 2 };

static int wrong_use(const struct err *err)
{
    (void)fprintf(stderr, "queen-rbee: %s\nRun 'queen-rbee --help' for the options.\n", err->msg);
    return EXIT_USAGE;
}

static int add_workers(struct queen *q, const struct option_list *workers, struct err *err)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < workers->len; i++) {
        struct worker_facts facts;
        rc = static_worker_parse(str_of(workers->items[i]), &facts, err);
        if (rc < 0)
            return rc;
        rc = queen_add_static_worker(q, &facts, err);
        worker_facts_free(&facts);
    }
    return rc;
}

/* Every --worker read once before anything is taken: --check-config sees its faults. */
static int check_workers(const struct option_list *workers, struct err *err)
{
    for (size_t i = 0; i < workers->len; i++) {
        struct worker_facts facts;
        int rc = static_worker_parse(str_of(workers->items[i]), &facts, err);
        if (rc < 0)
            return rc;
        worker_facts_free(&facts);
    }
    return 0;
}

static void on_shutdown(void *data)
{
    daemon_stop(data);
}

static void on_stop(void *data)
{
    queen_stop(data);
}

static bool is_busy(void *data)
{
    return queen_is_busy(data);
}

static void on_deadline(void *data)
{
    queen_end_all(data);
}

static void on_idle(void *data)
{
    daemon_idle(data);
}

static struct http_server *new_server(const struct queen_options *o, const struct daemon *d,
                                      struct queen *q)
{
    struct http_server_options options;

    http_server_options_init(&options);
    options.body_bytes_max = o->body_bytes;
    options.bodies_bytes_max = o->bodies_bytes;
    options.connections_max = (size_t)o->connections;
    options.guard = &d->guard;
    options.server_name = queen_program.name;
    return http_server_new(d->loop, &options, queen_routes, q);
}

static int serve(const struct queen_options *o, struct queen_config *config, struct daemon *d)
{
    struct err err;

    config->guard = &d->guard;
    struct queen *q = queen_new(d->loop, config);
    struct http_server *server = new_server(o, d, q);
    q->server = server;
    q->on_shutdown = on_shutdown;
    q->on_idle = on_idle;
    q->daemon = d;
    const struct daemon_app app = {
        .on_stop = on_stop,
        .is_busy = is_busy,
        .on_deadline = on_deadline,
        .data = q,
    };
    int rc = queen_begin(q, &err);
    if (rc == 0)
        rc = queen_load_models(q, &err);
    if (rc == 0)
        rc = add_workers(q, &o->workers, &err);
    if (rc == 0)
        rc = daemon_serve(d, server, &err);
    if (rc < 0)
        log_error("cannot start", LOG_ERR(&err));
    else
        daemon_run(d, &app);
    queen_end_all(q); /* a second signal leaves some */
    http_server_free(server);
    queen_free(q);
    return rc < 0 ? EXIT_FAILED : 0;
}

struct policy_paths {
    char store[PATH_MAX + 16], drop_ins[PATH_MAX + 16];
};

/* Versions stand in the state directory; drop-ins too, unless another place is named. */
static void set_policy_paths(const char *dir, struct policy_paths *paths,
                             struct policies_config *config)
{
    (void)snprintf(paths->store, sizeof(paths->store), "%s/policies", dir);
    (void)snprintf(paths->drop_ins, sizeof(paths->drop_ins), "%s/policies.d", dir);
    config->store_dir = paths->store;
    if (!config->drop_in_dir && access(paths->drop_ins, F_OK) == 0)
        config->drop_in_dir = paths->drop_ins;
}

/* The core holds every policy to it, so the two may not differ. */
static void take_residency(const struct settings *settings, struct core_options *core)
{
    for (size_t i = 0; i < settings->len; i++) {
        if (strcmp(settings->items[i].key, "min_residency_ms") == 0)
            (void)parse_u64_str(str_of(settings->items[i].value), &core->min_residency_ms);
    }
}

static int run(const struct queen_options *o)
{
    char state_dir[PATH_MAX], models_file[PATH_MAX + 16];
    struct policy_paths paths;
    struct settings settings;
    struct queen_config config;
    struct daemon d;
    struct err err;

    if (queen_options_config(o, &config, &err) < 0 || check_workers(&o->workers, &err) < 0)
        return wrong_use(&err);
    if (!o->common.state_dir &&
        file_default_state_dir("queen", state_dir, sizeof(state_dir), &err) < 0)
        return wrong_use(&err);
    const char *dir = o->common.state_dir ? o->common.state_dir : state_dir;
    (void)snprintf(models_file, sizeof(models_file), "%s/models", dir);
    config.models_file = models_file;
    if (settings_read(&settings, &o->settings, config.policies.is_immutable, &err) < 0)
        return wrong_use(&err);
    take_residency(&settings, &config.core);
    set_policy_paths(dir, &paths, &config.policies);
    config.policies.live.config = settings.items;
    config.policies.live.config_len = settings.len;
    const struct daemon_setup setup = {
        .name = queen_program.name,
        .socket_name = "queen.sock",
        .listen = &o->common.listen,
        .hosts = &o->hosts,
        .state_dir = dir,
        .token_file = o->common.token_file,
        .hive_token_file = o->hive_token_file,
        .admin_token_file = o->admin_token_file,
        .drain_ms = o->drain_ms,
        .check_only = o->common.check_config,
    };
    if (daemon_init(&d, &setup, &err) < 0) {
        log_error("cannot start", LOG_ERR(&err));
        settings_free(&settings);
        return err.code == ERR_INVALID ? EXIT_USAGE : EXIT_FAILED;
    }
    settings_log_unknown(&settings);
    int rc = o->common.check_config ? 0 : serve(o, &config, &d);
    daemon_deinit(&d);
    settings_free(&settings);
    return rc;
}

int main(int argc, char **argv)
{
    struct queen_options options = { 0 };
    struct option_result result;
    char config[PATH_MAX];
    struct err err;
    int rc = 0;

    bool has_default = file_default_config("queen.yaml", config, sizeof(config), &err) == 0;
    if (options_load(&queen_program, argc, argv, has_default ? config : NULL, &options, &result,
                     &err) < 0)
        return wrong_use(&err);
    option_common_setup_log(&queen_program, &options.common);
    if (!option_common_answer(&queen_program, &options.common))
        rc = run(&options);
    options_free(&queen_program, &options);
    return rc;
}
