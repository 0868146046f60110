#include "keeper/bootstrap.h"

#include "base/json.h"
#include "base/json_write.h"
#include "keeper/launch.h"
#include "keeper/narrate.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HIVE_POLL_MS = 100, HIVE_POLLS = 100 };

const char bootstrap_hive_url[] = "http://127.0.0.1:7835";

/* --- Where models are --------------------------------------------------------- */

static bool is_dir(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

bool bootstrap_models_dir(char *ret, size_t size)
{
    const char *given = getenv("RBEE_MODELS_DIR"), *home = getenv("HOME");
    char real[PATH_MAX];

    if (given && given[0])
        return str_copy(ret, size, str_of(given));
    if (realpath("models", real) && is_dir(real))
        return str_copy(ret, size, str_of(real));
    if (launch_beside("../models", ret, size) || launch_beside("../share/rbee/models", ret, size))
        return true;
    (void)snprintf(ret, size, "%s/.local/share/rbee/models", home ? home : "");
    return is_dir(ret);
}

/* --- Asking -------------------------------------------------------------------- */

static bool agrees(bool yes, const char *question)
{
    char line[16];

    if (yes)
        return true;
    if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
        return false;
    (void)fprintf(stderr, "%s [Y/n] ", question);
    if (!fgets(line, sizeof(line), stdin))
        return false;
    return line[0] == '\n' || line[0] == 'y' || line[0] == 'Y';
}

static void tell(const char *text)
{
    (void)fprintf(stderr, "%s\n", text);
}

/* --- What is there ---------------------------------------------------------------- */

struct presence {
    bool starts_workers; /* the queen does, when a job needs one */
    const char *model;
    int64_t ready; /* workers that serve the model now, or will soon */
    size_t hives;
    bool listed; /* by a hive that is online */
};

static void read_worker(struct json *j, struct presence *p)
{
    char model[256] = "", state[32] = "";

    json_object(j)
    {
        if (json_key(j, "model") && json_peek(j) == JSON_STRING)
            json_read_text(j, model, sizeof(model));
        else if (json_key(j, "state"))
            json_read_text(j, state, sizeof(state));
        else
            json_skip(j);
    }
    if (strcmp(model, p->model) == 0 && strcmp(state, "failed") != 0)
        p->ready++;
}

static void read_hive_models(struct json *j, struct presence *p)
{
    char model[256];

    json_array(j)
    {
        json_object(j)
        {
            if (!json_key(j, "ref"))
                continue;
            json_read_text(j, model, sizeof(model));
            if (!j->failed && strcmp(model, p->model) == 0)
                p->listed = true;
        }
    }
}

static void read_hive(struct json *j, struct presence *p)
{
    p->hives++;
    json_object(j)
    {
        if (json_key(j, "models"))
            read_hive_models(j, p);
        else
            json_skip(j);
    }
}

static void read_list(struct json *j, struct presence *p,
                      void (*read)(struct json *j, struct presence *p))
{
    json_array(j)
    {
        read(j, p);
    }
}

static void read_queen(struct json *j, struct presence *p)
{
    char scheduler[64] = "";

    json_object(j)
    {
        if (json_key(j, "scheduler"))
            json_read_text(j, scheduler, sizeof(scheduler));
        else
            json_skip(j);
    }
    p->starts_workers = strcmp(scheduler, "simple") != 0;
}

static int look(struct keeper *k, const struct service *queen, struct presence *p, struct err *err)
{
    struct json j;
    struct buf result;

    buf_init(&result, KEEPER_ANSWER_MAX);
    int rc = keeper_job_result(k, queen, str_of("{\"operation\":\"status\"}"), &result, err);
    if (rc == 0) {
        json_init(&j, buf_str(&result));
        json_object(&j)
        {
            if (json_key(&j, "queen"))
                read_queen(&j, p);
            else if (json_key(&j, "workers"))
                read_list(&j, p, read_worker);
            else if (json_key(&j, "hives"))
                read_list(&j, p, read_hive);
            else
                json_skip(&j);
        }
        rc = json_finish(&j, err) < 0 ? keeper_misread(err) : 0;
    }
    buf_deinit(&result);
    return rc;
}

/* --- Starting what is missing --------------------------------------------------------- */

static int start_queen(struct keeper *k, const struct service *queen, struct err *err)
{
    const struct launch launch = { .program = "queen-rbee", .name = "queen", .service = queen };

    tell("starting the queen");
    return launch_start(k, &launch, err);
}

static int start_hive(struct keeper *k, const struct service *queen, struct err *err)
{
    char models[PATH_MAX];
    const char *args[] = { "--queen-url", queen->url, "--models-dir", models, NULL };
    struct service hive;

    int rc = service_init(&hive, "hive", bootstrap_hive_url, "rbee hive start", err);
    if (rc < 0)
        return rc;
    if (!bootstrap_models_dir(models, sizeof(models)))
        args[2] = NULL;
    if (keeper_is_there(k, &hive))
        return 0;
    const struct launch launch = {
        .program = "rbee-hive",
        .name = "hive",
        .service = &hive,
        .extra_args = args,
    };
    tell("starting a hive on this machine");
    return launch_start(k, &launch, err);
}

/* Its first heartbeat brings its list of models. */
static int await_hive(struct keeper *k, const struct service *queen, struct presence *p,
                      struct err *err)
{
    int rc = 0;

    for (int i = 0; rc == 0 && i < HIVE_POLLS && !p->listed && !k->interrupted; i++) {
        p->hives = 0;
        p->ready = 0;
        rc = look(k, queen, p, err);
        if (rc == 0 && p->hives > 0 && !p->listed && i > HIVE_POLLS / 4)
            return 0; /* it has had time to say: the model is not among its own */
        if (!p->listed)
            keeper_wait(k, HIVE_POLL_MS);
    }
    return rc;
}

static int spawn_worker(struct keeper *k, const struct service *queen, const char *model,
                        struct err *err)
{
    struct json_out o;
    struct buf body;

    buf_init(&body, 4096);
    json_out_init(&o, &body);
    json_begin(&o, NULL, '{');
    json_str(&o, "operation", "worker_spawn");
    json_str(&o, "model", model);
    json_end(&o);
    int rc = keeper_job(k, queen, buf_str(&body), narrate, NULL, err);
    buf_deinit(&body);
    return rc;
}

static int start_all(struct keeper *k, const struct service *queen, struct presence *p,
                     struct err *err)
{
    int rc = start_queen(k, queen, err);

    if (rc == 0)
        rc = start_hive(k, queen, err);
    if (rc == 0)
        rc = await_hive(k, queen, p, err);
    if (rc == 0 && p->listed && p->ready == 0)
        rc = spawn_worker(k, queen, p->model, err);
    return rc;
}

int bootstrap(struct keeper *k, const struct service *queen, const char *model, bool yes,
              struct err *err)
{
    struct presence p = { .model = model };
    char question[512];

    if (!keeper_is_there(k, queen)) {
        if (k->interrupted)
            return err_set(err, ERR_CANCELLED, "interrupted");
        if (!endpoint_is_loopback(&queen->at) ||
            !agrees(yes, "Nothing runs here yet. Start a queen, a hive and a worker?"))
            return err_set(err, ERR_UNAVAILABLE,
                           "the queen at %s does not answer; start one with: rbee queen start "
                           "(or let this command do it: --yes)",
                           queen->url);
        return start_all(k, queen, &p, err);
    }
    int rc = look(k, queen, &p, err);
    if (rc < 0 || p.ready > 0 || !p.listed || p.starts_workers)
        return rc;
    (void)snprintf(question, sizeof(question), "No worker runs the model '%.200s'. Start one?",
                   model);
    if (agrees(yes, question))
        return spawn_worker(k, queen, model, err);
    return err_set(err, ERR_NO_WORKERS,
                   "no worker runs the model '%.200s'; start one with: rbee worker spawn --model "
                   "%.200s (or let this command do it: --yes)",
                   model, model);
}
