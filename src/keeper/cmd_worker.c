/* rbee worker spawn|list|get|stop, rbee model list. */
#include "keeper/keeper.h"
#include "keeper/narrate.h"
#include "keeper/status_view.h"

#include "base/json_texts.h"
#include "base/json_write.h"

#include <stdio.h>

struct worker_options {
    struct common_options common;
    char *model, *hive, *device;
    int64_t slots, ctx, threads;
    struct option_list labels;
};

enum { REQUEST_BYTES_MAX = 64 * 1024 };

static int init_queen(struct service *queen, const struct worker_options *o, struct err *err)
{
    return service_init(queen, "queen", o->common.queen_url, "rbee queen start", err);
}

/* --- spawn -------------------------------------------------------------------- */

static void write_label(struct json_out *out, const char *pair)
{
    char key[256];
    const char *equals = strchr(pair, '=');

    if (equals && str_copy(key, sizeof(key), (struct str){ pair, (size_t)(equals - pair) }))
        json_str(out, key, equals + 1);
}

static void write_spawn(const struct worker_options *o, struct buf *body)
{
    struct json_out out;

    json_out_init(&out, body);
    json_begin(&out, NULL, '{');
    json_str(&out, "operation", "worker_spawn");
    json_str(&out, "model", o->model);
    if (o->hive)
        json_str(&out, "hive_id", o->hive);
    if (o->device)
        json_str(&out, "device", o->device);
    if (o->slots > 0)
        json_int(&out, "slots", o->slots);
    if (o->ctx > 0)
        json_int(&out, "ctx", o->ctx);
    if (o->threads > 0)
        json_int(&out, "threads", o->threads);
    json_begin(&out, "labels", '{');
    for (size_t i = 0; i < o->labels.len; i++)
        write_label(&out, o->labels.items[i]);
    json_end(&out);
    json_end(&out);
}

struct spawned {
    struct buf result;
};

static bool on_spawn_event(void *data, struct str name, struct str json)
{
    struct spawned *s = data;

    if (str_eq(name, "end"))
        (void)buf_add(&s->result, json.p, json.len);
    return narrate(NULL, name, json);
}

/* The worker's id on stdout, for scripts; all of the result with --json. */
static int print_spawned(const struct keeper *k, const struct spawned *s, struct err *err)
{
    char id[256] = "";
    const struct json_text members[] = { { "worker_id", id, sizeof(id) } };
    struct str result;

    if (k->json) {
        (void)printf("%.*s\n", STR_ARG(buf_str(&s->result)));
        return 0;
    }
    int rc = json_raw_member(buf_str(&s->result), "result", &result, err);
    if (rc == 0)
        rc = json_texts_read(result, members, 1, err);
    if (rc < 0)
        return keeper_misread(err);
    (void)printf("%s\n", id);
    return 0;
}

static int spawn(struct keeper *k, void *options, int operands_len, char **operands)
{
    struct worker_options *o = options;
    struct spawned spawned;
    struct service queen;
    struct buf body;
    struct err err;

    (void)operands_len;
    (void)operands;
    buf_init(&spawned.result, KEEPER_ANSWER_MAX);
    buf_init(&body, REQUEST_BYTES_MAX);
    int rc = init_queen(&queen, o, &err);
    if (rc == 0) {
        write_spawn(o, &body);
        rc = keeper_job(k, &queen, buf_str(&body), on_spawn_event, &spawned, &err);
    }
    if (rc == 0)
        rc = print_spawned(k, &spawned, &err);
    buf_deinit(&spawned.result);
    buf_deinit(&body);
    return rc < 0 ? keeper_fail(k, &err) : EXIT_DONE;
}

/* --- list, get, stop, and the models --------------------------------------------- */

/* Run an operation whose result is printed: a table of `part`, or raw JSON. */
static int show(struct keeper *k, const struct worker_options *o, struct str body, const char *part)
{
    struct service queen;
    struct buf result;
    struct err err;

    buf_init(&result, KEEPER_ANSWER_MAX);
    int rc = init_queen(&queen, o, &err);
    if (rc == 0)
        rc = keeper_job_result(k, &queen, body, &result, &err);
    if (rc == 0 && (k->json || !part))
        (void)printf("%s\n", buf_cstr(&result));
    else if (rc == 0)
        rc = status_view_print_part(buf_str(&result), part, stdout, &err) < 0 ? keeper_misread(&err)
                                                                              : 0;
    buf_deinit(&result);
    return rc < 0 ? keeper_fail(k, &err) : EXIT_DONE;
}

static int list(struct keeper *k, void *options, int operands_len, char **operands)
{
    (void)operands_len;
    (void)operands;
    return show(k, options, str_of("{\"operation\":\"active_worker_list\"}"), "workers");
}

static int models(struct keeper *k, void *options, int operands_len, char **operands)
{
    (void)operands_len;
    (void)operands;
    return show(k, options, str_of("{\"operation\":\"model_list\"}"), "models");
}

/* {"operation":..., "worker_id":...} */
static void write_worker_operation(const char *operation, const char *worker_id, struct buf *body)
{
    struct json_out out;

    json_out_init(&out, body);
    json_begin(&out, NULL, '{');
    json_str(&out, "operation", operation);
    json_str(&out, "worker_id", worker_id);
    json_end(&out);
}

static int get(struct keeper *k, void *options, int operands_len, char **operands)
{
    struct buf body;

    (void)operands_len;
    buf_init(&body, REQUEST_BYTES_MAX);
    write_worker_operation("active_worker_get", operands[0], &body);
    int rc = show(k, options, buf_str(&body), NULL);
    buf_deinit(&body);
    return rc;
}

static int stop(struct keeper *k, void *options, int operands_len, char **operands)
{
    struct service queen;
    struct buf body;
    struct err err;

    (void)operands_len;
    buf_init(&body, REQUEST_BYTES_MAX);
    write_worker_operation("worker_process_delete", operands[0], &body);
    int rc = init_queen(&queen, options, &err);
    if (rc == 0)
        rc = keeper_job(k, &queen, buf_str(&body), narrate, NULL, &err);
    buf_deinit(&body);
    return rc < 0 ? keeper_fail(k, &err) : EXIT_DONE;
}

#define ROW(member) \
    .flags = OPTION_NO_FILE | OPTION_NO_ENV, .offset = offsetof(struct worker_options, member)

/* clang-format off */
static const struct option spawn_rows[] = {
    { .name = "model", .letter = 'm', .type = OPTION_TEXT, ROW(model), .fallback = "rbee-tiny", .metavar = "NAME",
      .help = "Model to load: a reference in the hive's models directory" },
    { .name = "hive", .type = OPTION_TEXT, ROW(hive), .metavar = "ID",
      .help = "Hive to start it on; the first that has the model when not given" },
    { .name = "device", .letter = 'd', .type = OPTION_TEXT, ROW(device), .metavar = "DEVICE",
      .help = "cpu or cuda:N" },
    { .name = "slots", .type = OPTION_INT, ROW(slots), .fallback = "0", .metavar = "N", .min = 0, .max = 256,
      .help = "Requests served at once; 0 for the worker's default" },
    { .name = "ctx", .type = OPTION_INT, ROW(ctx), .fallback = "0", .metavar = "N", .min = 0, .max = 16777216,
      .help = "Tokens of context per slot; 0 for the model's own" },
    { .name = "threads", .type = OPTION_INT, ROW(threads), .fallback = "0", .metavar = "N", .min = 0, .max = 1024,
      .help = "CPU threads; 0 for what is free" },
    { .name = "label", .type = OPTION_LIST, .flags = OPTION_PAIR | OPTION_NO_FILE | OPTION_NO_ENV, .offset = offsetof(struct worker_options, labels), .metavar = "KEY=VALUE",
      .help = "Label that policies can read" },
    COMMON_ROWS(worker_options),
    { 0 },
};
static const struct option plain_rows[] = { COMMON_ROWS(worker_options), { 0 } };
/* clang-format on */

#define LEAF(symbol, verb, rows_, run_, operands, usage_, summary_) \
    static const struct command symbol = {                          \
        .name = verb,                                               \
        .operands_min = operands,                                   \
        .operands_max = operands,                                   \
        .summary = summary_,                                        \
        .usage = usage_,                                            \
        .options = rows_,                                           \
        .options_size = sizeof(struct worker_options),              \
        .run = run_,                                                \
    }

LEAF(spawn_command, "spawn", spawn_rows, spawn, 0, "[OPTION]...",
     "Start a worker and wait until it is ready; prints its id");
LEAF(list_command, "list", plain_rows, list, 0, "[OPTION]...",
     "List the workers that the queen knows");
LEAF(get_command, "get", plain_rows, get, 1, "[OPTION]... WORKER", "Print one worker as JSON");
LEAF(stop_command, "stop", plain_rows, stop, 1, "[OPTION]... WORKER",
     "Stop a worker; its running requests are finished first");
LEAF(models_command, "list", plain_rows, models, 0, "[OPTION]...",
     "List the models that workers hold or hives could start");

const struct command cmd_worker = {
    .name = "worker",
    .summary = "Start, list, show or stop workers",
    .children = (const struct command *const[]){ &spawn_command, &list_command, &get_command,
                                                 &stop_command, NULL },
};

const struct command cmd_model = {
    .name = "model",
    .summary = "List models",
    .children = (const struct command *const[]){ &models_command, NULL },
};
