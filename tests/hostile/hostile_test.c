/*
 * Every script of this folder in the sandbox: does it end as its first line says, and is the
 * next policy none the worse for it? See README.md.
 */
#include "base/file.h"
#include "base/mem.h"
#include "base/parse.h"
#include "sandbox/test_world.h"
#include "snapshot/context.h"

#include <dirent.h>
#include <stdio.h>

/* w-1 has room for job-1; w-2 has none; w-3 has another model; job-2 is pinned to w-2. */
static const char world_json[] =
    "{\"now_ms\": 1700000000000,"
    "\"queue\": ["
    " {\"id\": \"job-1\", \"model_ref\": \"llama\", \"priority\": \"interactive\"},"
    " {\"id\": \"job-2\", \"model_ref\": \"llama\", \"priority\": \"batch\","
    "  \"pinned_worker_id\": \"w-2\"}],"
    "\"pools\": [{\"id\": \"attic\", \"status\": \"healthy\","
    "  \"gpus\": [{\"id\": 0, \"name\": \"Big\", \"vram_total_mb\": 24000}]}],"
    "\"workers\": ["
    " {\"id\": \"w-1\", \"pool_id\": \"attic\", \"status\": \"ready\", \"model_ref\": \"llama\","
    "  \"slots\": 4, \"gpu_ids\": [0]},"
    " {\"id\": \"w-2\", \"pool_id\": \"attic\", \"status\": \"busy\", \"model_ref\": \"llama\","
    "  \"slots\": 1, \"active\": 1, \"in_flight\": 1, \"gpu_ids\": [0]},"
    " {\"id\": \"w-3\", \"pool_id\": \"attic\", \"status\": \"ready\", \"model_ref\": \"tiny\","
    "  \"slots\": 4}]}";

static const char good_source[] =
    "function schedule(context)\n"
    "    return { action = 'dispatch', job_id = 'job-1', worker_id = 'w-1' }\n"
    "end\n";

enum { FILE_BYTES_MAX = 1024 * 1024, NAMES_MAX = 1024, CALLS = 2 };

/* --- One script -------------------------------------------------------------------- */

struct script {
    const char *name;
    enum script_language language;
    struct str expected; /* "timeout|memory" */
    enum ask_kind ask;   /* ASK_KIND_COUNT_: by its entry point */
    struct buf source;
};

static struct str next_word(struct str *line)
{
    size_t len = 0;

    *line = str_trim(*line);
    while (len < line->len && line->p[len] != ' ')
        len++;
    struct str word = { line->p, len };
    *line = (struct str){ line->p + len, line->len - len };
    return word;
}

static bool is_expected(struct str expected, const char *outcome)
{
    while (expected.len > 0) {
        const char *bar = memchr(expected.p, '|', expected.len);
        size_t len = bar ? (size_t)(bar - expected.p) : expected.len;
        if (str_eq((struct str){ expected.p, len }, outcome))
            return true;
        size_t skip = bar ? len + 1 : len;
        expected = (struct str){ expected.p + skip, expected.len - skip };
    }
    return false;
}

static enum ask_kind ask_of(struct str name)
{
    return str_eq(name, "admit") ? ASK_ADMIT : str_eq(name, "retry") ? ASK_RETRY : ASK_OUTCOME;
}

/* "-- expect: load raw repeat=100": `raw` leaves this line out, `repeat` multiplies the rest. */
static bool read_script(struct str text, struct script *ret)
{
    const char *end = memchr(text.p, '\n', text.len);
    struct str line = { text.p, end ? (size_t)(end - text.p) : text.len };
    struct str rest = { line.p + line.len + 1, end ? text.len - line.len - 1 : 0 };
    bool is_raw = false;
    uint64_t repeat = 1;

    (void)next_word(&line);
    if (!str_eq(next_word(&line), "expect:"))
        return false;
    ret->expected = next_word(&line);
    ret->ask = ASK_KIND_COUNT_;
    for (struct str word = next_word(&line); word.len > 0; word = next_word(&line)) {
        if (str_starts(word, "repeat="))
            (void)parse_u64_str((struct str){ word.p + 7, word.len - 7 }, &repeat);
        else if (str_starts(word, "ask="))
            ret->ask = ask_of((struct str){ word.p + 4, word.len - 4 });
        else
            is_raw = is_raw || str_eq(word, "raw");
    }
    buf_init(&ret->source, 64 * FILE_BYTES_MAX);
    if (!is_raw)
        (void)buf_add(&ret->source, text.p, (size_t)(rest.p - text.p));
    for (uint64_t i = 0; i < repeat; i++)
        (void)buf_add(&ret->source, rest.p, rest.len);
    return !ret->source.overflowed && ret->expected.len > 0;
}

/* --- In the sandbox ------------------------------------------------------------------ */

static const char *outcome_of(const struct test_policy *p, const struct policy_call *call)
{
    char words[POLICY_MESSAGE_SIZE];

    if (p->answer.failure != POLICY_OK)
        return policy_failure_name(p->answer.failure);
    if (call->kind != ASK_SCHEDULE && call->kind != ASK_JOB)
        return "decision";
    return policy_failure_name(policy_check_answer(region_bytes(p->w->region), call->job,
                                                   &p->answer.decisions, words, sizeof(words)));
}

static struct policy_call call_of(const struct script *script, const struct test_policy *p)
{
    bool is_of_queue = p->loaded.info.entry == POLICY_ENTRY_SCHEDULE;
    struct policy_call call = { .kind = script->ask, .attempt = 1, .seed = 7 };

    if (call.kind == ASK_KIND_COUNT_)
        call.kind = is_of_queue ? ASK_SCHEDULE : ASK_JOB;
    call.job = call.kind == ASK_SCHEDULE ? SNAP_NONE : 0;
    return call;
}

static bool expect(const struct script *script, const char *outcome, const char *message)
{
    bool is_good = is_expected(script->expected, strcmp(outcome, "ok") == 0 ? "decision" : outcome);

    if (!is_good)
        (void)printf("%s: expected %.*s, got %s: %s\n", script->name, STR_ARG(script->expected),
                     outcome, message);
    return is_good;
}

/* A machine too busy to run the script says nothing about it. */
static void ask(struct test_policy *p, const struct policy_call *call)
{
    while (test_policy_ask(p, call) == POLICY_STARVED)
        ;
}

static bool run_script(struct test_world *w, const struct script *script)
{
    const struct sandboxed_options options = {
        .language = script->language,
        .source = buf_str(&script->source),
        .name = script->name,
    };
    struct test_policy p;
    bool is_good = true;

    test_policy_open(&p, w, &options);
    if (p.refusals > 0)
        is_good = expect(script, policy_failure_name(p.refusal), p.diagnostics.items[0].message);
    for (int i = 0; i < CALLS && p.policy; i++) {
        struct policy_call call = call_of(script, &p);
        ask(&p, &call);
        is_good = expect(script, outcome_of(&p, &call), p.answer.message) && is_good;
        if (p.answer.failure == POLICY_TIMEOUT)
            break; /* the next host would do the same, and takes as long */
    }
    test_policy_close(&p);
    return is_good;
}

/* The next policy: it still answers, and rightly. */
static bool is_good_unharmed(const struct script *after, struct test_policy *good)
{
    const struct policy_call call = { .kind = ASK_SCHEDULE, .job = SNAP_NONE };

    ask(good, &call);
    if (good->answer.failure == POLICY_OK && good->answer.decisions.len == 1 &&
        strcmp(good->answer.decisions.items[0].worker_id, "w-1") == 0)
        return true;
    (void)printf("after %s a good policy fails: %s\n", after->name, good->answer.message);
    return false;
}

/* --- All of them --------------------------------------------------------------------- */

static bool run_file(struct test_world *w, struct test_policy *good, const char *folder,
                     const char *name)
{
    struct script script = { .name = name };
    char path[1024];
    struct buf text;
    struct err err;
    bool is_good = false;

    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    buf_init(&text, FILE_BYTES_MAX);
    if (!script_language_of_file(str_of(name), &script.language) ||
        file_read(path, &text, &err) < 0 || !read_script(buf_str(&text), &script))
        (void)printf("%s: cannot be read\n", name);
    else
        is_good = run_script(w, &script);
    is_good = is_good_unharmed(&script, good) && is_good;
    buf_deinit(&script.source);
    buf_deinit(&text);
    return is_good;
}

static int is_script(const struct dirent *entry)
{
    enum script_language language;

    return script_language_of_file(str_of(entry->d_name), &language);
}

/* Deadlines that a machine busy with other things can keep, mostly. */
static void open_world(struct test_world *w)
{
    struct err err;

    test_world_init(w, POLICY_HOST);
    w->options.soft_ms = 50;
    w->options.hard_ms = 150;
    w->options.load_ms = 1000;
    region_free(w->region);
    w->region = region_new(sizeof(struct snapshot), 1 << 20, NULL);
    if (context_read(w->region, str_of(world_json), 0, &err) < 0)
        abort();
    test_world_open(w);
}

int main(int argc, char **argv)
{
    const struct sandboxed_options good_options = { .source = str_of(good_source),
                                                    .name = "good.lua",
                                                    .is_live = true };
    struct dirent **names = NULL;
    struct test_world w;
    struct test_policy good;
    int failed = 0, run = 0;

    if (argc < 2)
        return 2;
    int len = scandir(argv[1], &names, is_script, alphasort);
    open_world(&w);
    test_policy_open(&good, &w, &good_options);
    for (int i = 0; i < len; free(names[i++])) {
        if (argc > 2 && !strstr(names[i]->d_name, argv[2]))
            continue;
        run++;
        failed += good.policy && !run_file(&w, &good, argv[1], names[i]->d_name);
    }
    free(names);
    (void)printf("%d scripts, %d failed\n", run, failed);
    bool is_good = good.loads == 1 && len > 0 && failed == 0;
    test_policy_close(&good);
    test_world_close(&w);
    return is_good ? 0 : 1;
}
