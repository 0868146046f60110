/*
 * Every template does what its examples say: a comment `@example` is followed by JSON, a step
 * or a list of them, {"context": {...}, "expect": {...}}. The steps of one example are put to the
 * same policy one after the other; an `expect` that is a list asks about the same context again
 * and again. What an expected decision does not mention may be anything. The folder of the
 * templates is the one argument.
 */
#include "base/file.h"
#include "base/mem.h"
#include "policy/decision_json.h"
#include "policy/platform.h"
#include "policy/template_example.h"
#include "snapshot/context.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

enum { TEXT_BYTES_MAX = 1024 * 1024, TEMPLATES_MAX = 256 };

static const char *folder;

/* The library of templates that is promised; more may stand beside them. */
static const char *const promised[] = {
    "first-idle",
    "round-robin",
    "random",
    "least-requests",
    "least-tokens",
    "p2c",
    "sticky-session",
    "prefix-chwbl",
    "cache-aware",
    "weighted-scorers",
    "kv-cost",
    "lmetric",
    "predicted-ttft",
    "sjf-aged",
    "edf",
    "vtc",
    "drr",
    "priority-bands",
    "batch-most-vram-free",
    "large-models-multi-gpu",
    "cost-optimizer",
    "latency-geo",
    "multimodal-router",
    "eu-only",
    "determinism-seeded-first",
    "swap-collate",
    "keep-warm",
    "histogram-prewarm",
    "night-batch",
    "canary-split",
};

struct template
{
    char file[256];
    enum script_language language;
    const char *mark; /* of a comment */
    struct buf source;
    struct region *region;
    struct policy *platform, *policy;
    struct policy_answer answer;
};

/* --- Files --------------------------------------------------------------------------------- */

static struct dirent **files;
static int files_len;

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static void template_open(struct template *t, const char *file)
{
    static const char *const marks[] = {
        [SCRIPT_LUA] = "--", [SCRIPT_YAML] = "#", [SCRIPT_RHAI] = "//"
    };
    char path[4096];
    struct err err = { 0 };

    (void)snprintf(t->file, sizeof(t->file), "%s", file);
    (void)snprintf(path, sizeof(path), "%s/%s", folder, file);
    if (!script_language_of_file(str_of(file), &t->language))
        fail_msg("%s is in no language of policies", path);
    t->mark = marks[t->language];
    buf_init(&t->source, TEXT_BYTES_MAX);
    if (file_read(path, &t->source, &err) < 0)
        fail_msg("%s", err.msg);
}

static void template_close(struct template *t)
{
    buf_deinit(&t->source);
}

/* A policy of its own over a world that is still empty. */
static void template_load(struct template *t)
{
    struct diagnostics d = { .len = 0 };
    struct err err = { 0 };

    t->region = region_new(sizeof(struct snapshot), 0, NULL);
    t->platform = platform_over(region_bytes(t->region), &err);
    assert_non_null(t->platform);
    const struct policy_options options = {
        .snapshot = region_bytes(t->region),
        .platform = t->platform,
        .platform_source = str_of(platform_source),
    };
    t->policy = policy_new(&options, t->language, buf_str(&t->source), t->file, &d);
    if (!t->policy)
        fail_msg("%s:%u: %s", t->file, d.items[0].line, d.items[0].message);
    assert_int_equal(d.len, 0); /* no warnings either */
}

static void template_unload(struct template *t)
{
    policy_free(t->policy);
    policy_free(t->platform);
    region_free(t->region);
}

/* --- One decision ----------------------------------------------------------------------------- */

static void template_see(struct template *t, const char *context)
{
    struct err err = { 0 };

    region_reset(t->region);
    if (context_read(t->region, str_of(context), 1700000000000, &err) < 0)
        fail_msg("%s: %s: %s", t->file, err.param, err.msg);
}

/* What it decides about what it sees, as JSON text in `ret`. */
static void template_ask(struct template *t, struct buf *ret)
{
    const struct snapshot *s = region_bytes(t->region);
    bool is_about_one = policy_info(t->policy)->entry == POLICY_ENTRY_JOB;
    const struct policy_call call = {
        .kind = is_about_one ? ASK_JOB : ASK_SCHEDULE,
        .job = is_about_one ? s->header.first_job : SNAP_NONE,
        .seed = 1,
    };
    char message[POLICY_MESSAGE_SIZE];
    struct json_out out;

    policy_call(t->policy, &call, &t->answer);
    if (t->answer.failure != POLICY_OK)
        fail_msg("%s", t->answer.message);
    if (policy_check_answer(s, call.job, &t->answer.decisions, message, sizeof(message)) !=
        POLICY_OK)
        fail_msg("%s: %s", t->file, message);
    json_out_init(&out, ret);
    decisions_write(&out, NULL, t->answer.decisions.items, t->answer.decisions.len, "");
}

/* --- Examples -----------------------------------------------------------------------------------
 */

static void run_step(struct template *t, const struct example *e, size_t step)
{
    char *context = example_context(e, step);

    if (!context || example_answers(e, step) == 0)
        fail_msg("%s: an example has a context and an expected decision", t->file);
    template_see(t, context);
    for (size_t i = 0; i < example_answers(e, step); i++) {
        struct buf is;
        buf_init(&is, TEXT_BYTES_MAX);
        template_ask(t, &is);
        if (!example_is_met(e, step, i, buf_cstr(&is)))
            fail_msg("%s decides\n  %s\nexpected\n  %s\nof %s", t->file, buf_cstr(&is),
                     example_expected(e, step, i), context);
        buf_deinit(&is);
    }
    free(context);
}

static void run_example(struct template *t, const struct example *e)
{
    template_load(t);
    for (size_t step = 0; step < example_steps(e); step++)
        run_step(t, e, step);
    template_unload(t);
}

/* The next line, without what marks it as a comment; false for any other line, or none. */
static bool next_comment(const struct template *t, const char **at, struct str *ret)
{
    const char *line = *at, *end = strchrnul(line, '\n');
    size_t mark = strlen(t->mark);

    if ((size_t)(end - line) < mark || strncmp(line, t->mark, mark) != 0)
        return false;
    *ret = (struct str){ line + mark, (size_t)(end - line) - mark };
    *at = *end ? end + 1 : end;
    return true;
}

/* The JSON in the comment at `at`; moves behind it. */
static struct example *read_example(const struct template *t, const char **at)
{
    struct example *example = NULL;
    struct buf text;
    struct str line;

    buf_init(&text, TEXT_BYTES_MAX);
    while (!example && next_comment(t, at, &line)) {
        (void)buf_add(&text, line.p, line.len);
        example = example_read(buf_cstr(&text), text.len);
    }
    if (!example)
        fail_msg("%s: an example is no JSON: %s", t->file, buf_cstr(&text));
    buf_deinit(&text);
    return example;
}

static unsigned run_examples(struct template *t)
{
    const char *at = buf_cstr(&t->source);
    unsigned examples = 0;

    while ((at = strstr(at, " @example\n")) != NULL) {
        at = strchr(at, '\n') + 1;
        struct example *example = read_example(t, &at);
        run_example(t, example);
        example_free(example);
        examples++;
    }
    return examples;
}

static void every_template_decides_as_its_examples_say(void **state)
{
    (void)state;
    for (int i = 0; i < files_len; i++) {
        struct template t;
        template_open(&t, files[i]->d_name);
        if (run_examples(&t) == 0)
            fail_msg("%s has no example", t.file);
        template_close(&t);
    }
}

/* --- The rest
 * -------------------------------------------------------------------------------------- */

static void every_template_says_what_it_is_for(void **state)
{
    static const char *const words[] = { " For", "ot for: ", " Source: " };
    (void)state;

    for (int i = 0; i < files_len; i++) {
        struct script_header header;
        struct template t;
        template_open(&t, files[i]->d_name);
        script_header_read(buf_str(&t.source), t.mark, &header);
        if (strncmp(t.file, header.name, strlen(header.name)) != 0 ||
            t.file[strlen(header.name)] != '.' || !*header.version || !*header.description)
            fail_msg("%s: @name, @version, @description", t.file);
        for (size_t w = 0; w < sizeof(words) / sizeof(words[0]); w++) {
            if (!strstr(buf_cstr(&t.source), words[w]))
                fail_msg("%s does not say '%s'", t.file, words[w]);
        }
        template_close(&t);
    }
}

static void the_library_is_whole(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(promised) / sizeof(promised[0]); i++) {
        size_t len = strlen(promised[i]);
        bool found = false;
        for (int f = 0; f < files_len; f++)
            found = found || (strncmp(files[f]->d_name, promised[i], len) == 0 &&
                              files[f]->d_name[len] == '.');
        if (!found)
            fail_msg("there is no template %s", promised[i]);
    }
}

static void no_template_minds_next_to_nothing(void **state)
{
    static const char *const contexts[] = {
        "{\"queue\":[{}]}",
        "{\"queue\":[{\"id\":\"j\",\"model_ref\":\"m\"}]}",
        "{\"queue\":[{\"id\":\"j\",\"model_ref\":\"m\"}],\"workers\":[{\"id\":\"w\"},"
        "{\"id\":\"v\",\"model_ref\":\"m\"}],\"pools\":[{\"id\":\"p\"}]}",
        "{\"queue\":[{\"id\":\"j\",\"model_ref\":\"m\",\"tenant_id\":\"t\",\"wait_ms\":1000000,"
        "\"deadline_ms\":-5}],\"workers\":[{\"id\":\"w\",\"model_ref\":\"m\",\"status\":\"busy\","
        "\"slots\":1,\"active\":1}]}",
    };
    (void)state;

    for (int i = 0; i < files_len; i++) {
        struct template t;
        template_open(&t, files[i]->d_name);
        template_load(&t);
        for (size_t c = 0; c < sizeof(contexts) / sizeof(contexts[0]); c++) {
            struct buf ignored;
            buf_init(&ignored, TEXT_BYTES_MAX);
            template_see(&t, contexts[c]);
            template_ask(&t, &ignored);
            buf_deinit(&ignored);
        }
        template_unload(&t);
        template_close(&t);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_template_decides_as_its_examples_say),
        cmocka_unit_test(every_template_says_what_it_is_for),
        cmocka_unit_test(the_library_is_whole),
        cmocka_unit_test(no_template_minds_next_to_nothing),
    };

    folder = argc > 1 ? argv[1] : ".";
    files_len = scandir(folder, &files, is_visible, alphasort);
    if (files_len <= 0)
        return 2;
    int failed = cmocka_run_group_tests_name("templates", tests, NULL, NULL);
    for (int i = 0; i < files_len; i++)
        free(files[i]);
    free(files);
    return failed;
}
