/* rbee status - hives, workers, models and who waits, once or live. */
#include "keeper/answer.h"
#include "keeper/keeper.h"
#include "keeper/queue_view.h"
#include "keeper/status_view.h"

#include "base/json_texts.h"

#include <stdio.h>
#include <unistd.h>

enum { WATCH_MS = 1000, PAGE_JOBS = 1000, PAGES_MAX = 10 };

struct status_options {
    struct common_options common;
    bool watch;
};

/* --- Who waits ---------------------------------------------------------------------- */

/* One page; `before` becomes where the next one begins, "" at the end. */
static int fetch_page(struct keeper *k, const struct service *queen, char before[JOB_ID_SIZE],
                      struct json_out *waiting, size_t *found, struct err *err)
{
    const struct json_text next[] = { { "next_before", before, JOB_ID_SIZE } };
    char path[64 + JOB_ID_SIZE];
    struct buf page;

    (void)snprintf(path, sizeof(path), "/v1/jobs?limit=%d%s%s", PAGE_JOBS,
                   before[0] ? "&before=" : "", before);
    before[0] = '\0';
    buf_init(&page, KEEPER_ANSWER_MAX);
    int rc = keeper_fetch(k, queen, "GET", path, (struct str){ 0 }, &page, err);
    if (rc == 0 && json_texts_read(buf_str(&page), next, 1, err) < 0)
        rc = keeper_misread(err);
    if (rc == 0)
        *found += queue_view_collect(buf_str(&page), waiting);
    buf_deinit(&page);
    return rc;
}

/* The array of jobs that wait. The list has ended ones, too, so it takes pages; those beyond
 * PAGES_MAX are only counted. */
static int fetch_waiting(struct keeper *k, const struct service *queen, uint64_t queue_depth,
                         struct buf *waiting, struct err *err)
{
    char before[JOB_ID_SIZE] = "";
    struct json_out out;
    size_t found = 0;
    int rc = 0;

    json_out_init(&out, waiting);
    json_begin(&out, NULL, '[');
    for (int page = 0; rc == 0 && page < PAGES_MAX && found < queue_depth; page++) {
        rc = fetch_page(k, queen, before, &out, &found, err);
        if (!before[0])
            break;
    }
    json_end(&out);
    return rc;
}

/* --- The whole ------------------------------------------------------------------------- */

/* The result's members, and one more. */
static void print_json(struct str result, struct str waiting)
{
    char key[64];
    struct str value;
    struct json_out out;
    struct buf text;
    struct json j;

    buf_init(&text, 2 * (size_t)KEEPER_ANSWER_MAX);
    json_out_init(&out, &text);
    json_begin(&out, NULL, '{');
    json_init(&j, result);
    json_object(&j)
    {
        if (!json_key_copy(&j, key, sizeof(key)))
            break;
        json_read_raw(&j, &value);
        json_raw(&out, key, value);
    }
    json_raw(&out, "waiting", waiting);
    json_end(&out);
    (void)printf("%s\n", buf_cstr(&text));
    buf_deinit(&text);
}

static int print_all(const struct keeper *k, struct str result, struct str waiting, struct err *err)
{
    if (k->json) {
        print_json(result, waiting);
        return 0;
    }
    if (status_view_print(result, stdout, err) < 0)
        return keeper_misread(err);
    queue_view_print(waiting, answer_uint(result, "queen.queue_depth"), stdout);
    return 0;
}

static int show_once(struct keeper *k, const struct service *queen, bool clear, struct err *err)
{
    struct buf result, waiting;

    buf_init(&result, KEEPER_ANSWER_MAX);
    buf_init(&waiting, KEEPER_ANSWER_MAX);
    int rc = keeper_job_result(k, queen, str_of("{\"operation\":\"status\"}"), &result, err);
    if (rc == 0 && answer_check(buf_str(&result), err) < 0)
        rc = keeper_misread(err);
    if (rc == 0)
        rc = fetch_waiting(k, queen, answer_uint(buf_str(&result), "queen.queue_depth"), &waiting,
                           err);
    if (rc == 0 && clear)
        (void)fputs("\033[H\033[2J", stdout);
    if (rc == 0)
        rc = print_all(k, buf_str(&result), buf_str(&waiting), err);
    (void)fflush(stdout);
    buf_deinit(&result);
    buf_deinit(&waiting);
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
