/* rbee-hive - the boot order of the hive. */
#include "hive/options.h"

#include "base/file.h"
#include "base/log.h"
#include "daemon/daemon.h"
#include "hive/heartbeat.h"
#include "hive/machine.h"
#include "hive/routes.h"

#include <stdio.h>

enum {
    EXIT_FAILED = 1,
    EXIT_USAGE = 2,
    STREAMS_END_MS = 5000, /* job streams end once the workers they tell of have */
};

static int wrong_use(const struct err *err)
{
    (void)fprintf(stderr, "rbee-hive: %s\nRun 'rbee-hive --help' for the options.\n", err->msg);
    return EXIT_USAGE;
}

/* --- Stopping: workers first, then the last heartbeat, then the loop ---------------- */

struct hive {
    struct daemon *daemon;
    struct machine *machine;
    bool is_over; /* the workers have gone, and the queens have been told */
};

static void on_told(void *data)
{
    struct hive *h = data;

    h->is_over = true;
    daemon_idle(h->daemon);
}

static void on_workers_gone(void *data)
{
    struct hive *h = data;

    heartbeat_finish(h->machine->heartbeat, on_told, h);
}

static void on_stop(void *data)
{
    struct hive *h = data;

    machine_stop(h->machine, on_workers_gone, h);
}

static void on_shutdown(void *data)
{
    daemon_stop(data);
}

static bool is_busy(void *data)
{
    return !((const struct hive *)data)->is_over;
}

/* --- Start ------------------------------------------------------------------------------ */

static struct http_server *new_server(const struct daemon *d, struct machine *m)
{
    struct http_server_options options;

    http_server_options_init(&options);
    options.guard = &d->guard;
    options.server_name = hive_program.name;
    return http_server_new(d->loop, &options, hive_routes, m);
}

static int serve(const struct hive_options *o, struct daemon *d)
{
    struct hive hive = { .daemon = d };
    struct err err;

    if (machine_new(d->loop, o, &hive.machine, &err) < 0) {
        log_error("cannot start", LOG_ERR(&err));
        return EXIT_FAILED;
    }
    struct http_server *server = new_server(d, hive.machine);
    hive.machine->server = server;
    hive.machine->on_shutdown = on_shutdown;
    hive.machine->on_shutdown_data = d;
    int rc = daemon_serve(d, server, &err);
    if (rc < 0) {
        log_error("cannot start", LOG_ERR(&err));
    } else {
        const struct daemon_app app = { .on_stop = on_stop, .is_busy = is_busy, .data = &hive };
        machine_start(hive.machine, d->bound[0].port);
        daemon_run(d, &app);
    }
    http_server_free(server);
    machine_free(hive.machine);
    return rc < 0 ? EXIT_FAILED : 0;
}

static int run(struct hive_options *o)
{
    struct daemon d;
    struct err err;

    if (hive_options_check(o, &err) < 0)
        return wrong_use(&err);
    const struct daemon_setup setup = {
        .name = hive_program.name,
        .socket_name = "hive.sock",
        .listen = &o->common.listen,
        .hosts = &o->hosts,
        .state_dir = o->state_dir,
        .admin_token_file = o->common.token_file, /* one token, for all that a hive does */
        .drain_ms = o->drain_ms + o->terminate_ms + STREAMS_END_MS,
        .check_only = o->common.check_config,
    };
    if (daemon_init(&d, &setup, &err) < 0) {
        log_error("cannot start", LOG_ERR(&err));
        return err.code == ERR_INVALID ? EXIT_USAGE : EXIT_FAILED;
    }
    int rc = o->common.check_config ? 0 : serve(o, &d);
    daemon_deinit(&d);
    return rc;
}

int main(int argc, char **argv)
{
    struct hive_options options = { 0 };
    struct option_result result;
    char config[PATH_MAX];
    struct err err;
    int rc = 0;

    bool has_default = file_default_config("hive.yaml", config, sizeof(config), &err) == 0;
    if (options_load(&hive_program, argc, argv, has_default ? config : NULL, &options, &result,
                     &err) < 0)
        return wrong_use(&err);
    option_common_setup_log(&hive_program, &options.common);
    if (!option_common_answer(&hive_program, &options.common))
        rc = run(&options);
    hive_options_free(&options);
    return rc;
}
