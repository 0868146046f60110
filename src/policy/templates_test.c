/*
 * Every template does what its examples say: a comment `@example` is followed by JSON, a step
 * or a list of them, {"context": {...}, "expect": {...}}. The steps of one example are put to the
 * same policy one after the other; an `expect` that is a list asks about the same context again
 * and again. What an expected decision does not mention may be anything. The folder of the
 * templates is the one argument.
 */
#include "policy/test_template.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_BYTES_MAX = 1024 * 1024 };

static const char *folder;
static struct dirent **files;
static int files_len;

/* The library that is promised; more may stand beside them. */
/* clang-format off */
static const char *const promised[] = {
    "first-idle", "round-robin", "random", "least-requests", "least-tokens", "p2c",
    "sticky-session", "prefix-chwbl", "cache-aware", "weighted-scorers", "kv-cost", "lmetric",
    "predicted-ttft", "sjf-aged", "edf", "vtc", "drr", "priority-bands", "batch-most-vram-free",
    "large-models-multi-gpu", "cost-optimizer", "latency-geo", "multimodal-router", "eu-only",
    "determinism-seeded-first", "swap-collate", "keep-warm", "histogram-prewarm", "night-batch",
    "canary-split",
};
/* clang-format on */

/* --- Comparing ------------------------------------------------------------------------ */

static bool is_in(json_t *expected, json_t *is);

static bool are_in(json_t *expected, json_t *is)
{
    bool met = json_is_array(is) && json_array_size(expected) == json_array_size(is);

    for (size_t i = 0; met && i < json_array_size(expected); i++)
        met = is_in(json_array_get(expected, i), json_array_get(is, i));
    return met;
}

/* Is all that is expected there? */
static bool is_in(json_t *expected, json_t *is)
{
    const char *name;
    json_t *value;

    if (json_is_array(expected))
        return are_in(expected, is);
    if (!json_is_object(expected))
        return json_equal(expected, is);
    json_object_foreach(expected, name, value)
    {
        if (!is_in(value, json_object_get(is, name)))
            return false;
    }
    return json_is_object(is);
}

/* --- Examples --------------------------------------------------------------------------- */

static void expect_decision(struct template *t, json_t *expected, const char *context)
{
    struct buf text;

    buf_init(&text, TEXT_BYTES_MAX);
    template_ask(t, &text);
    json_t *is = json_loads(buf_cstr(&text), 0, NULL);
    if (!is_in(expected, is))
        fail_msg("%s decides\n  %s\nexpected\n  %s\nof %s", t->file, buf_cstr(&text),
                 json_dumps(expected, 0), context);
    json_decref(is);
    buf_deinit(&text);
}

static void run_step(struct template *t, json_t *step)
{
    json_t *expected = json_object_get(step, "expect");
    char *context = json_dumps(json_object_get(step, "context"), 0);

    if (!context || !expected)
        fail_msg("%s: an example has a context and an expected decision", t->file);
    template_see(t, context);
    for (size_t i = 0; i < json_array_size(expected); i++)
        expect_decision(t, json_array_get(expected, i), context);
    if (!json_is_array(expected))
        expect_decision(t, expected, context);
    free(context);
}

static void run_example(struct template *t, json_t *example)
{
    template_load(t);
    for (size_t i = 0; i < json_array_size(example); i++)
        run_step(t, json_array_get(example, i));
    if (!json_is_array(example))
        run_step(t, example);
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
static json_t *read_example(const struct template *t, const char **at)
{
    json_t *example = NULL;
    json_error_t error = { .text = "" };
    struct buf text;
    struct str line;

    buf_init(&text, TEXT_BYTES_MAX);
    while (!example && next_comment(t, at, &line)) {
        (void)buf_add(&text, line.p, line.len);
        example = json_loadb(text.p, text.len, 0, &error);
    }
    if (!example)
        fail_msg("%s: an example is no JSON: %s in %s", t->file, error.text, buf_cstr(&text));
    buf_deinit(&text);
    return example;
}

static unsigned run_examples(struct template *t)
{
    const char *at = buf_cstr(&t->source);
    unsigned examples = 0;

    while ((at = strstr(at, " @example\n")) != NULL) {
        at = strchr(at, '\n') + 1;
        json_t *example = read_example(t, &at);
        run_example(t, example);
        json_decref(example);
        examples++;
    }
    return examples;
}

static void every_template_decides_as_its_examples_say(void **state)
{
    (void)state;
    for (int i = 0; i < files_len; i++) {
        struct template t;
        template_open(&t, folder, files[i]->d_name);
        if (run_examples(&t) == 0)
            fail_msg("%s has no example", t.file);
        template_close(&t);
    }
}

/* --- The rest ------------------------------------------------------------------------------ */

static void every_template_says_what_it_is_for(void **state)
{
    static const char *const words[] = { " For", "ot for: ", " Source: " };
    (void)state;

    for (int i = 0; i < files_len; i++) {
        struct script_header header;
        struct template t;
        template_open(&t, folder, files[i]->d_name);
        script_header_read(buf_str(&t.source), t.mark, &header);
        if (strncmp(t.file, header.name, strlen(header.name)) != 0 ||
            t.file[strlen(header.name)] != '.' || !*header.version || !*header.description)
            fail_msg("%s: @name as the file, @version, @description", t.file);
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
        template_open(&t, folder, files[i]->d_name);
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

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
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
