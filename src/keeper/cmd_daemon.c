/* rbee queen start|stop|status, rbee hive start|stop|status - the daemons of this machine. */
#include "keeper/bootstrap.h"
#include "keeper/keeper.h"
#include "keeper/launch.h"

#include <limits.h>
#include <stdio.h>

enum { EXTRA_MAX = 48 };

struct daemon_options {
    struct common_options common;
    char *hive_url, *state_dir, *models_dir;
};

/* What differs between the two. */
struct daemon_kind {
    const char *program, *name, *start_hint;
    const char *(*url)(const struct daemon_options *o);
};

static const char *queen_url(const struct daemon_options *o)
{
    return o->common.queen_url;
}

static const char *hive_url(const struct daemon_options *o)
{
    return o->hive_url;
}

static const struct daemon_kind queen_kind = { "queen-rbee", "queen", "rbee queen start",
                                               queen_url };
static const struct daemon_kind hive_kind = { "rbee-hive", "hive", "rbee hive start", hive_url };

static int describe(const struct daemon_kind *kind, const struct daemon_options *o,
                    struct service *service, struct launch *launch, struct err *err)
{
    *launch = (struct launch){
        .program = kind->program,
        .name = kind->name,
        .service = service,
        .state_dir = o->state_dir,
    };
    return service_init(service, kind->name, kind->url(o), kind->start_hint, err);
}

/* A hive is told of the queen and of its models; then come the operands, as they are. */
static int extra_args(const struct daemon_kind *kind, const struct daemon_options *o,
                      int operands_len, char **operands, char *models, size_t models_size,
                      const char **args, struct err *err)
{
    size_t len = 0;

    if (operands_len > EXTRA_MAX)
        return err_set(err, ERR_INVALID, "more than %d arguments for the %s", EXTRA_MAX,
                       kind->name);
    if (kind == &hive_kind) {
        args[len++] = "--queen-url";
        args[len++] = o->common.queen_url;
        if (o->models_dir ? str_copy(models, models_size, str_of(o->models_dir))
                          : bootstrap_models_dir(models, models_size)) {
            args[len++] = "--models-dir";
            args[len++] = models;
        }
    }
    for (int i = 0; i < operands_len; i++)
        args[len++] = operands[i];
    args[len] = NULL;
    return 0;
}

static int start(struct keeper *k, const struct daemon_kind *kind, const struct daemon_options *o,
                 int operands_len, char **operands)
{
    const char *args[EXTRA_MAX + 8];
    char models[PATH_MAX];
    struct service service;
    struct launch launch;
    struct err err;

    int rc = describe(kind, o, &service, &launch, &err);
    if (rc == 0)
        rc = extra_args(kind, o, operands_len, operands, models, sizeof(models), args, &err);
    if (rc == 0) {
        launch.extra_args = args;
        rc = launch_start(k, &launch, &err);
    }
    if (rc < 0)
        return keeper_fail(k, &err);
    (void)fprintf(stderr, "the %s serves at %s\n", kind->name, service.url);
    return EXIT_DONE;
}

static int stop(struct keeper *k, const struct daemon_kind *kind, const struct daemon_options *o)
{
    struct service service;
    struct launch launch;
    struct err err;

    int rc = describe(kind, o, &service, &launch, &err);
    if (rc == 0)
        rc = launch_stop(k, &launch, &err);
    if (rc < 0)
        return keeper_fail(k, &err);
    (void)fprintf(stderr, "the %s has stopped\n", kind->name);
    return EXIT_DONE;
}

static int status(struct keeper *k, const struct daemon_kind *kind, const struct daemon_options *o)
{
    struct service service;
    struct launch launch;
    struct buf answer;
    struct err err;

    buf_init(&answer, KEEPER_ANSWER_MAX);
    int rc = describe(kind, o, &service, &launch, &err);
    if (rc == 0)
        rc = keeper_fetch(k, &service, "GET", "/v1/info", (struct str){ 0 }, &answer, &err);
    if (rc == 0)
        (void)printf("%s\n", buf_cstr(&answer));
    buf_deinit(&answer);
    return rc < 0 ? keeper_fail(k, &err) : EXIT_DONE;
}

/* --- The six commands ------------------------------------------------------------- */

static int queen_start(struct keeper *k, void *o, int operands_len, char **operands)
{
    return start(k, &queen_kind, o, operands_len, operands);
}

static int queen_stop(struct keeper *k, void *o, int operands_len, char **operands)
{
    (void)operands_len;
    (void)operands;
    return stop(k, &queen_kind, o);
}

static int queen_status(struct keeper *k, void *o, int operands_len, char **operands)
{
    (void)operands_len;
    (void)operands;
    return status(k, &queen_kind, o);
}

static int hive_start(struct keeper *k, void *o, int operands_len, char **operands)
{
    return start(k, &hive_kind, o, operands_len, operands);
}

static int hive_stop(struct keeper *k, void *o, int operands_len, char **operands)
{
    (void)operands_len;
    (void)operands;
    return stop(k, &hive_kind, o);
}

static int hive_status(struct keeper *k, void *o, int operands_len, char **operands)
{
    (void)operands_len;
    (void)operands;
    return status(k, &hive_kind, o);
}

#define ROW(member) .flags = OPTION_NO_FILE, .offset = offsetof(struct daemon_options, member)
#define STATE_DIR_ROW                                                                      \
    {                                                                                      \
        .name = "state-dir", .type = OPTION_TEXT, .flags = OPTION_NO_FILE | OPTION_NO_ENV, \
        .offset = offsetof(struct daemon_options, state_dir), .metavar = "DIR",            \
        .help = "State directory of the daemon"                                            \
    }
#define HIVE_URL_ROW                                                              \
    {                                                                             \
        .name = "hive-url", .type = OPTION_TEXT, ROW(hive_url), .metavar = "URL", \
        .fallback = "http://127.0.0.1:7835", .help = "Where the hive listens"     \
    }

/* clang-format off */
static const struct option queen_rows[] = { STATE_DIR_ROW, COMMON_ROWS(daemon_options), { 0 } };
static const struct option hive_rows[] = { HIVE_URL_ROW, STATE_DIR_ROW, COMMON_ROWS(daemon_options), { 0 } };
static const struct option hive_start_rows[] = {
    HIVE_URL_ROW, STATE_DIR_ROW,
    { .name = "models-dir", .type = OPTION_TEXT, ROW(models_dir), .metavar = "DIR", .help = "Where this machine's models are" },
    COMMON_ROWS(daemon_options), { 0 },
};
/* clang-format on */

#define LEAF(symbol, verb, rows_, run_, operands_max_, usage_, summary_) \
    static const struct command symbol = {                               \
        .name = verb,                                                    \
        .operands_max = operands_max_,                                   \
        .summary = summary_,                                             \
        .usage = usage_,                                                 \
        .options = rows_,                                                \
        .options_size = sizeof(struct daemon_options),                   \
        .run = run_,                                                     \
    }

LEAF(queen_start_command, "start", queen_rows, queen_start, OPERANDS_ANY,
     "[OPTION]... [-- QUEEN-OPTION...]", "Start a queen on this machine, in the background");
LEAF(queen_stop_command, "stop", queen_rows, queen_stop, 0, "[OPTION]...",
     "Stop the queen; running requests are finished first");
LEAF(queen_status_command, "status", queen_rows, queen_status, 0, "[OPTION]...",
     "Print what the queen says of itself, as JSON");
LEAF(hive_start_command, "start", hive_start_rows, hive_start, OPERANDS_ANY,
     "[OPTION]... [-- HIVE-OPTION...]", "Start a hive on this machine, in the background");
LEAF(hive_stop_command, "stop", hive_rows, hive_stop, 0, "[OPTION]...",
     "Stop this machine's hive and its workers");
LEAF(hive_status_command, "status", hive_rows, hive_status, 0, "[OPTION]...",
     "Print what the hive says of itself, as JSON");

const struct command cmd_queen = {
    .name = "queen",
    .summary = "Start, stop or show the queen of this machine",
    .children = (const struct command *const[]){ &queen_start_command, &queen_stop_command,
                                                 &queen_status_command, NULL },
};

const struct command cmd_hive = {
    .name = "hive",
    .summary = "Start, stop or show the hive of this machine",
    .children = (const struct command *const[]){ &hive_start_command, &hive_stop_command,
                                                 &hive_status_command, NULL },
};
