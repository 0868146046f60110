/* rbee status - hives, workers, models and who waits, once or live. */
#include "keeper/answer.h"
#include "keeper/keeper.h"
#include "keeper/queue_view.h"
#include "keeper/status_view.h"

#include <stdio.h>
#include <unistd.h>

enum { WATCH_MS = 1000 };

struct status_options {
    struct common_options common;
    bool watch;
};

static int print_all(const struct keeper *k, struct str result, struct err *err)
{
    if (k->json) {
        (void)printf("%.*s\n", STR_ARG(result));
        return 0;
    }
    if (status_view_print(result, stdout, err) < 0)
        return keeper_misread(err);
    queue_view_print(answer_raw(result, "waiting"), answer_uint(result, "queen.queue_depth"),
                     stdout);
    return 0;
}

static int show_once(struct keeper *k, const struct service *queen, bool clear, struct err *err)
{
    struct buf result;

    buf_init(&result, KEEPER_ANSWER_MAX);
    int rc = keeper_job_result(k, queen, str_of("{\"operation\":\"status\"}"), &result, err);
    if (rc == 0 && answer_check(buf_str(&result), err) < 0)
        rc = keeper_misread(err);
    if (rc == 0 && clear)
        (void)fputs("\033[H\033[2J", stdout);
    if (rc == 0)
        rc = print_all(k, buf_str(&result), err);
    (void)fflush(stdout);
    buf_deinit(&result);
    return rc;
}

static int run(struct keeper *k, void *options, int operands_len, char **operands)
{
    const struct status_options *o = options;
    struct service queen;
    struct err err;

    (void)operands_len;
    (void)operands;
    int rc = service_init(&queen, "queen", o->common.queen_url, "rbee queen start", &err);
    if (rc == 0)
        rc = show_once(k, &queen, o->watch && isatty(STDOUT_FILENO), &err);
    while (rc == 0 && o->watch && !k->interrupted) {
        keeper_wait(k, WATCH_MS);
        if (!k->interrupted)
            rc = show_once(k, &queen, isatty(STDOUT_FILENO), &err);
    }
    if (o->watch && k->interrupted)
        return EXIT_DONE; /* Ctrl-C is how one leaves the live view */
    return rc < 0 ? keeper_fail(k, &err) : EXIT_DONE;
}

/* clang-format off */
static const struct option rows[] = {
    { .name = "watch", .letter = 'w', .type = OPTION_FLAG, .flags = OPTION_NO_FILE | OPTION_NO_ENV,
      .offset = offsetof(struct status_options, watch), .help = "Show it again every second until Ctrl-C" },
    COMMON_ROWS(status_options),
    { 0 },
};
/* clang-format on */

const struct command cmd_status = {
    .name = "status",
    .summary = "Show hives, workers, models and the queue",
    .usage = "[OPTION]...",
    .options = rows,
    .options_size = sizeof(struct status_options),
    .run = run,
};
