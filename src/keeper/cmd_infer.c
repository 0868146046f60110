/* rbee infer - ask a model, stream its answer to stdout. */
#include "keeper/bootstrap.h"
#include "keeper/keeper.h"
#include "keeper/terminal.h"

#include "base/json.h"
#include "base/json_write.h"

#include <stdio.h>
#include <unistd.h>

enum { PROMPT_BYTES_MAX = 32 * 1024 * 1024 };

struct infer_options {
    struct common_options common;
    char *model, *prompt, *system, *priority, *session, *worker, *hive;
    struct option_list stop, labels;
    int64_t max_tokens, top_k, seed;
    double temperature, top_p;
    bool raw, quiet, yes;
};

/* --- The request ---------------------------------------------------------------- */

/* --prompt, or all operands joined by blanks; without any, standard input. */
static int read_prompt(const char *option, int operands_len, char **operands, struct buf *prompt,
                       struct err *err)
{
    if (option && operands_len > 0)
        return err_set(err, ERR_INVALID, "give the prompt once: as --prompt or as an operand");
    if (option) {
        (void)buf_puts(prompt, option);
        operands_len = 1;
    }
    for (int i = 0; !option && i < operands_len; i++) {
        if (i > 0)
            (void)buf_putc(prompt, ' ');
        (void)buf_puts(prompt, operands[i]);
    }
    if (operands_len == 0 && isatty(STDIN_FILENO))
        return err_set(err, ERR_INVALID, "no prompt: give it as an argument or on standard input");
    while (operands_len == 0) {
        char chunk[8192];
        size_t got = fread(chunk, 1, sizeof(chunk), stdin);
        if (!buf_add(prompt, chunk, got))
            return err_set(err, ERR_INVALID, "the prompt is longer than 32 MiB");
        if (got < sizeof(chunk))
            break;
    }
    return buf_len(prompt) > 0 ? 0 : err_set(err, ERR_INVALID, "the prompt is empty");
}

static void write_message(struct json_out *o, const char *role, struct str content)
{
    json_begin(o, NULL, '{');
    json_str(o, "role", role);
    json_strn(o, "content", content);
    json_end(o);
}

static void write_prompt(struct json_out *o, const struct infer_options *opt, struct str prompt)
{
    if (opt->raw) {
        json_strn(o, "prompt", prompt);
        return;
    }
    json_begin(o, "messages", '[');
    if (opt->system)
        write_message(o, "system", str_of(opt->system));
    write_message(o, "user", prompt);
    json_end(o);
}

static void write_given(struct json_out *o, const char *key, const char *value)
{
    if (value)
        json_str(o, key, value);
}

static int write_labels(struct json_out *o, const struct option_list *labels, struct err *err)
{
    json_begin(o, "labels", '{');
    for (size_t i = 0; i < labels->len; i++) {
        char key[256];
        const char *equals = strchr(labels->items[i], '=');
        struct str name = { labels->items[i], equals ? (size_t)(equals - labels->items[i]) : 0 };
        if (!equals || !str_copy(key, sizeof(key), name))
            return err_set(err, ERR_INVALID, "--label %s: must be KEY=VALUE", labels->items[i]);
        json_str(o, key, equals + 1);
    }
    json_end(o);
    return 0;
}

static int write_request(const struct infer_options *opt, struct str prompt, struct buf *body,
                         struct err *err)
{
    struct json_out o;

    json_out_init(&o, body);
    json_begin(&o, NULL, '{');
    json_str(&o, "operation", "infer");
    json_str(&o, "model", opt->model);
    write_prompt(&o, opt, prompt);
    json_int(&o, "max_tokens", opt->max_tokens);
    json_double(&o, "temperature", opt->temperature);
    json_double(&o, "top_p", opt->top_p);
    if (opt->top_k > 0)
        json_int(&o, "top_k", opt->top_k);
    if (opt->seed >= 0)
        json_int(&o, "seed", opt->seed);
    if (opt->stop.len > 0) {
        json_begin(&o, "stop", '[');
        for (size_t i = 0; i < opt->stop.len; i++)
            json_str(&o, NULL, opt->stop.items[i]);
        json_end(&o);
    }
    write_given(&o, "priority", opt->priority);
    write_given(&o, "session_id", opt->session);
    write_given(&o, "worker_id", opt->worker);
    write_given(&o, "hive_id", opt->hive);
    int rc = opt->labels.len > 0 ? write_labels(&o, &opt->labels, err) : 0;
    if (rc == 0)
        json_end(&o);
    return rc;
}

/* --- The answer ------------------------------------------------------------------- */

struct answer {
    const struct infer_options *options;
    struct spinner spinner;
    struct arena arena;
    struct buf text; /* with --json: the whole answer */
    struct buf end;  /* raw `end` event */
    struct buf started;
    bool has_text;
    bool ends_with_newline;
};

static void say(const struct answer *a, const char *text)
{
    if (!a->options->quiet && isatty(STDERR_FILENO))
        (void)fprintf(stderr, "%s\n", text);
}

static void on_token(struct answer *a, struct str json)
{
    struct json j;
    struct str text = { 0 };
    struct err err;

    arena_deinit(&a->arena);
    json_init(&j, json);
    json_object(&j)
    {
        if (json_key(&j, "t"))
            json_read_str(&j, &a->arena, &text);
        else
            json_skip(&j);
    }
    if (json_finish(&j, &err) < 0 || text.len == 0)
        return;
    spinner_stop(&a->spinner);
    a->has_text = true;
    if (a->options->common.json) {
        (void)buf_add(&a->text, text.p, text.len);
        return;
    }
    terminal_write(stdout, text);
    (void)fflush(stdout);
    a->ends_with_newline = text.p[text.len - 1] == '\n';
}

static void on_queued(struct answer *a, struct str json)
{
    struct json j;
    int64_t position = 0;
    struct err err;
    char text[64];

    json_init(&j, json);
    json_object(&j)
    {
        if (json_key(&j, "position"))
            json_read_i64(&j, &position);
        else
            json_skip(&j);
    }
    if (json_finish(&j, &err) < 0 || position <= 1)
        return;
    (void)snprintf(text, sizeof(text), "waiting, position %lld in the queue", (long long)position);
    say(a, text);
}

static bool on_event(void *data, struct str name, struct str json)
{
    struct answer *a = data;

    if (str_eq(name, "token")) {
        on_token(a, json);
    } else if (str_eq(name, "queued")) {
        on_queued(a, json);
    } else if (str_eq(name, "started")) {
        buf_clear(&a->started);
        (void)buf_add(&a->started, json.p, json.len);
    } else if (str_eq(name, "end")) {
        (void)buf_add(&a->end, json.p, json.len);
    }
    return true;
}

static void print_json(struct answer *a)
{
    struct json_out o;
    struct buf out;

    buf_init(&out, KEEPER_ANSWER_MAX);
    json_out_init(&o, &out);
    json_begin(&o, NULL, '{');
    json_strn(&o, "text", buf_str(&a->text));
    if (buf_len(&a->started) > 0)
        json_raw(&o, "started", buf_str(&a->started));
    if (buf_len(&a->end) > 0)
        json_raw(&o, "end", buf_str(&a->end));
    json_end(&o);
    (void)printf("%s\n", buf_cstr(&out));
    buf_deinit(&out);
}

/* By the worker's own clock: what arrives here comes in bunches. */
static void print_rate(const struct answer *a)
{
    int64_t tokens = 0, decode_ms = 0;
    struct json j;
    struct err ignored;
    char text[64];

    json_init(&j, buf_str(&a->end));
    json_object(&j)
    {
        if (json_key(&j, "tokens_out"))
            json_read_i64(&j, &tokens);
        else if (json_key(&j, "decode_time_ms"))
            json_read_i64(&j, &decode_ms);
        else
            json_skip(&j);
    }
    if (json_finish(&j, &ignored) < 0 || decode_ms <= 0)
        return;
    (void)snprintf(text, sizeof(text), "%lld tokens, %.1f tokens/s", (long long)tokens,
                   (double)tokens * 1000 / (double)decode_ms);
    say(a, text);
}

static void finish(struct answer *a, int rc)
{
    spinner_stop(&a->spinner);
    if (a->options->common.json) {
        if (rc == 0)
            print_json(a);
        return;
    }
    if (a->has_text && !a->ends_with_newline)
        (void)fputc('\n', stdout);
    (void)fflush(stdout);
    if (rc == 0)
        print_rate(a);
}

static int ask(struct keeper *k, const struct infer_options *opt, const struct service *queen,
               struct str body, struct err *err)
{
    struct answer a = { .options = opt };

    arena_init(&a.arena, KEEPER_ANSWER_MAX);
    buf_init(&a.text, KEEPER_ANSWER_MAX);
    buf_init(&a.end, KEEPER_ANSWER_MAX);
    buf_init(&a.started, KEEPER_ANSWER_MAX);
    if (!opt->quiet)
        spinner_start(&a.spinner, k->loop, "thinking");
    int rc = keeper_job(k, queen, body, on_event, &a, err);
    finish(&a, rc);
    arena_deinit(&a.arena);
    buf_deinit(&a.text);
    buf_deinit(&a.end);
    buf_deinit(&a.started);
    return rc;
}

static int infer(struct keeper *k, const struct infer_options *opt, int operands_len,
                 char **operands, struct err *err)
{
    struct service queen;
    struct buf prompt, body;

    buf_init(&prompt, PROMPT_BYTES_MAX);
    buf_init(&body, 2 * (size_t)PROMPT_BYTES_MAX);
    int rc = service_init(&queen, "queen", opt->common.queen_url, "rbee queen start", err);
    if (rc == 0)
        rc = read_prompt(opt->prompt, operands_len, operands, &prompt, err);
    if (rc == 0)
        rc = write_request(opt, buf_str(&prompt), &body, err);
    if (rc == 0)
        rc = bootstrap(k, &queen, opt->model, opt->yes, err);
    if (rc == 0)
        rc = ask(k, opt, &queen, buf_str(&body), err);
    buf_deinit(&prompt);
    buf_deinit(&body);
    return rc;
}

static int run(struct keeper *k, void *options, int operands_len, char **operands)
{
    struct err err;

    return infer(k, options, operands_len, operands, &err) < 0 ? keeper_fail(k, &err) : EXIT_DONE;
}

#define ROW(member) \
    .flags = OPTION_NO_FILE | OPTION_NO_ENV, .offset = offsetof(struct infer_options, member)

/* clang-format off */
static const struct option rows[] = {
    { .name = "model", .letter = 'm', .type = OPTION_TEXT, .offset = offsetof(struct infer_options, model), .metavar = "NAME", .fallback = "rbee-tiny",
      .help = "Model to ask" },
    { .name = "prompt", .letter = 'p', .type = OPTION_TEXT, ROW(prompt), .metavar = "TEXT",
      .help = "The prompt, instead of an operand" },
    { .name = "max-tokens", .letter = 'n', .type = OPTION_INT, ROW(max_tokens), .fallback = "256", .metavar = "N", .min = 1, .max = 2147483647,
      .help = "Longest answer in tokens" },
    { .name = "temperature", .letter = 't', .type = OPTION_DOUBLE, ROW(temperature), .fallback = "0.7", .metavar = "T", .min = 0, .max = 2,
      .help = "0 for the likeliest token each time" },
    { .name = "top-p", .type = OPTION_DOUBLE, ROW(top_p), .fallback = "0.95", .metavar = "P", .min = 0, .max = 1,
      .help = "Choose among the likeliest tokens of this total probability" },
    { .name = "top-k", .type = OPTION_INT, ROW(top_k), .fallback = "40", .metavar = "K", .min = 0, .max = 1000000,
      .help = "Choose among this many tokens; 0 for all" },
    { .name = "seed", .letter = 's', .type = OPTION_INT, ROW(seed), .fallback = "-1", .metavar = "S", .min = -1, .max = 2147483647,
      .help = "The same seed gives the same answer on the same worker; -1 for a random one" },
    { .name = "stop", .type = OPTION_LIST, ROW(stop), .metavar = "TEXT",
      .help = "End the answer before this text" },
    { .name = "system", .type = OPTION_TEXT, ROW(system), .metavar = "TEXT",
      .help = "System message before the prompt" },
    { .name = "raw", .type = OPTION_FLAG, ROW(raw),
      .help = "Send the prompt as it is, without the model's chat template" },
    { .name = "priority", .type = OPTION_TEXT, ROW(priority), .metavar = "BAND",
      .help = "interactive or batch" },
    { .name = "session", .type = OPTION_TEXT, ROW(session), .metavar = "ID",
      .help = "Session that this belongs to" },
    { .name = "worker", .type = OPTION_TEXT, ROW(worker), .metavar = "ID",
      .help = "This worker and no other" },
    { .name = "hive", .type = OPTION_TEXT, ROW(hive), .metavar = "ID",
      .help = "A worker of this hive and no other" },
    { .name = "label", .type = OPTION_LIST, .flags = OPTION_PAIR | OPTION_NO_FILE | OPTION_NO_ENV, .offset = offsetof(struct infer_options, labels), .metavar = "KEY=VALUE",
      .help = "Label that policies can read" },
    { .name = "yes", .letter = 'y', .type = OPTION_FLAG, ROW(yes),
      .help = "Start queen, hive and worker without asking when none runs" },
    { .name = "quiet", .type = OPTION_FLAG, ROW(quiet),
      .help = "Nothing on standard error but errors" },
    COMMON_ROWS(infer_options),
    { 0 },
};
/* clang-format on */

const struct command cmd_infer = {
    .name = "infer",
    .summary = "Ask a model and stream its answer",
    .usage = "[OPTION]... [PROMPT]...",
    .description = "The answer's text alone goes to standard output. Without a PROMPT it is read "
                   "from standard input. Ctrl-C cancels the job. With nothing running, offers to "
                   "start queen and hive on this machine and a worker for the model.",
    .options = rows,
    .options_size = sizeof(struct infer_options),
    .operands_max = OPERANDS_ANY,
    .run = run,
};
