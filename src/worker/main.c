#include "base/log.h"
#include "daemon/daemon.h"
#include "worker/options.h"
#include "worker/worker.h"

#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>

static int fail(const char *what, const struct err *err, int code)
{
    log_error(what, LOG_ERR(err));
    return code;
}

static int serve(struct worker *worker, const struct worker_options *options, struct daemon *daemon)
{
    struct err err;
    int code = WORKER_EXIT_OK;

    if (worker_open(worker, daemon, options, &err) < 0) {
        code = fail("cannot serve", &err, worker_exit_code(&err));
    } else {
        daemon_run(daemon, NULL);
        code = worker->exit_code;
    }
    worker_close(worker);
    return code;
}

static int run(struct worker_options *options)
{
    struct worker worker; /* outlives the daemon's loop */
    struct daemon daemon;
    struct err err;

    if (worker_options_check(options, &err) < 0)
        return fail("bad options", &err, worker_exit_code(&err));
    struct daemon_setup setup = {
        .name = worker_program.name,
        .listen = &options->common.listen,
        .state_dir = options->common.state_dir,
        .token_file = options->common.token_file,
        .drain_ms = options->drain_timeout_ms,
        .ready_later = true,
        .check_only = options->common.check_config,
    };
    if (daemon_init(&daemon, &setup, &err) < 0)
        return fail("cannot start", &err,
                    err.code == ERR_INVALID ? WORKER_EXIT_USAGE : WORKER_EXIT_FAILED);
    int code = options->common.check_config ? WORKER_EXIT_OK : serve(&worker, options, &daemon);
    daemon_deinit(&daemon);
    return code;
}

int main(int argc, char **argv)
{
    struct worker_options options = { 0 };
    struct option_result rest;
    struct err err;
    int code = WORKER_EXIT_OK;

    if (options_load(&worker_program, argc, argv, NULL, &options, &rest, &err) < 0) {
        (void)fprintf(stderr, "%s: %s\n", worker_program.name, err.msg);
        code = WORKER_EXIT_USAGE;
    } else if (rest.operands_len > 0) {
        (void)fprintf(stderr, "%s: '%s' is no option; see --help\n", worker_program.name,
                      rest.operands[0]);
        code = WORKER_EXIT_USAGE;
    } else if (!option_common_answer(&worker_program, &options.common)) {
        option_common_setup_log(&worker_program, &options.common);
        if (options.exit_with_parent)
            (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
        code = run(&options);
    }
    worker_options_free(&options);
    return code;
}
