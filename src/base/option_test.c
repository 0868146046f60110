#include "base/option.h"

#include "base/file.h"
#include "base/log.h"
#include "base/option_common.h"
#include "base/test_dir.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>

struct values {
    struct option_common common;
    int64_t max_queue;
    double ratio;
    uint64_t timeout_ms;
    uint64_t cache_bytes;
    bool fast;
    bool quiet;
    struct option_list labels;
    char *secret;
};

/* clang-format off */
static const struct option rows[] = {
    OPTION_COMMON_ROWS(struct values, common, "127.0.0.1:7833"),
    { .name = "max-queue", .letter = 'm', .type = OPTION_INT, .offset = offsetof(struct values, max_queue),
      .fallback = "1000", .min = 1, .max = 100000, .help = "How many jobs may wait" },
    { .name = "ratio", .type = OPTION_DOUBLE, .offset = offsetof(struct values, ratio),
      .min = 0, .max = 1, .help = "A share" },
    { .name = "queue-timeout", .type = OPTION_DURATION, .offset = offsetof(struct values, timeout_ms),
      .fallback = "30s", .min = 1, .max = 3600000, .help = "How long a job may wait" },
    { .name = "cache", .type = OPTION_SIZE, .offset = offsetof(struct values, cache_bytes),
      .fallback = "64m", .help = "Room for what was computed" },
    { .name = "fast", .letter = 'f', .type = OPTION_FLAG, .offset = offsetof(struct values, fast),
      .fallback = "true", .help = "Be fast" },
    { .name = "quiet", .letter = 'q', .type = OPTION_FLAG, .offset = offsetof(struct values, quiet),
      .help = "Say nothing" },
    { .name = "label", .type = OPTION_LIST, .flags = OPTION_PAIR, .offset = offsetof(struct values, labels),
      .metavar = "KEY=VALUE", .help = "Describe this machine; backslashes \\ are kept" },
    { .name = "secret", .type = OPTION_TEXT, .flags = OPTION_NO_ENV | OPTION_HIDDEN,
      .offset = offsetof(struct values, secret), .help = "Not told" },
    { 0 },
};
static const struct option_exit exits[] = { { 0, "done" }, { 2, "wrong use" }, { 0, NULL } };
/* clang-format on */

static const struct option_program program = {
    .name = "test-rbee",
    .summary = "a program for tests",
    .usage = "[OPTION]...",
    .description = "First paragraph.\n\n.Second one.",
    .env_prefix = "RBEETEST_",
    .options = rows,
    .exits = exits,
};

static const struct option_program program_with_operands = {
    .name = "test-rbee",
    .summary = "a program for tests",
    .usage = "[OPTION]... PROMPT",
    .env_prefix = "RBEETEST_",
    .options = rows,
};

enum { ARGS_MAX = 16 };

struct fixture {
    struct test_dir dir;
    char config[PATH_MAX]; /* what write_config() wrote last */
    struct values values;
    struct option_result result;
    struct err err;
    char *argv[ARGS_MAX];
};

static int setup(void **state)
{
    static struct fixture f;

    memset(&f, 0, sizeof(f));
    *state = &f;
    return test_dir_make(&f.dir);
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    options_free(&program, &f->values);
    test_dir_remove(&f->dir);
    return 0;
}

/* Loads what is given between "test-rbee" and NULL, over a clean slate. */
static int load_as(struct fixture *f, const struct option_program *p, const char *default_config,
                   const char *const *args)
{
    static char name[] = "test-rbee";
    int argc = 1;

    options_free(&program, &f->values);
    memset(&f->values, 0, sizeof(f->values));
    memset(&f->err, 0, sizeof(f->err));
    f->argv[0] = name;
    for (; args[argc - 1]; argc++) {
        assert_true(argc < ARGS_MAX);
        f->argv[argc] = (char *)(uintptr_t)args[argc - 1];
    }
    f->argv[argc] = NULL;
    return options_load(p, argc, f->argv, default_config, &f->values, &f->result, &f->err);
}

#define LOAD(f, ...)     load_as((f), &program, NULL, (const char *const[]){ __VA_ARGS__, NULL })
#define LOAD_DEFAULTS(f) load_as((f), &program, NULL, (const char *const[]){ NULL })

static const char *write_config(struct fixture *f, const char *name, const char *text)
{
    (void)snprintf(f->config, sizeof(f->config), "%s", test_dir_file(&f->dir, name));
    assert_int_equal(file_write_atomic(f->config, str_of(text), 0600, &f->err), 0);
    return f->config;
}

static void assert_list(const struct option_list *list, const char *joined)
{
    char text[256] = "";
    struct buf out;

    buf_init_fixed(&out, text, sizeof(text));
    for (size_t i = 0; i < list->len; i++)
        (void)buf_printf(&out, "%s%s", i > 0 ? "|" : "", list->items[i]);
    assert_string_equal(buf_cstr(&out), joined);
}

static void without_anything_the_defaults_hold(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(LOAD_DEFAULTS(f), 0);
    assert_list(&f->values.common.listen, "127.0.0.1:7833");
    assert_int_equal(f->values.max_queue, 1000);
    assert_int_equal(f->values.timeout_ms, 30000);
    assert_int_equal(f->values.cache_bytes, 64 * 1024 * 1024);
    assert_true(f->values.fast);
    assert_false(f->values.quiet);
    assert_null(f->values.common.state_dir);
    assert_int_equal(f->values.common.log_level, LOG_INFO);
    assert_int_equal(f->values.common.log_format, OPTION_LOG_AUTO);
    assert_int_equal(f->values.labels.len, 0);
    assert_int_equal(f->result.operands_len, 0);
}

static void flags_follow_the_conventions_of_gnu(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(LOAD(f, "--max-queue=5", "--state-dir", "--odd", "-l", "a:1", "-lunix:/s",
                          "--listen=c:3", "-fq", "--no-fast", "--label", "k=v=w", "--ratio=0.25",
                          "--"),
                     0);
    assert_int_equal(f->values.max_queue, 5);
    assert_string_equal(f->values.common.state_dir, "--odd");
    assert_list(&f->values.common.listen, "a:1|unix:/s|c:3");
    assert_false(f->values.fast);
    assert_true(f->values.quiet);
    assert_list(&f->values.labels, "k=v=w");
    assert_true(f->values.ratio == 0.25);
    assert_int_equal(LOAD(f, "-qm7", "--fast=false", "--state-dir=a", "--state-dir=b"), 0);
    assert_int_equal(f->values.max_queue, 7);
    assert_false(f->values.fast);
    assert_string_equal(f->values.common.state_dir, "b");
}

static void operands_are_what_is_left_in_order(void **state)
{
    static const char *const args[] = { "one", "-q", "two", "-",      "--max-queue",
                                        "3",   "--", "-x",  "--help", NULL };
    struct fixture *f = *state;

    assert_int_equal(load_as(f, &program_with_operands, NULL, args), 0);
    assert_int_equal(f->result.operands_len, 5);
    assert_string_equal(f->result.operands[0], "one");
    assert_string_equal(f->result.operands[1], "two");
    assert_string_equal(f->result.operands[2], "-");
    assert_string_equal(f->result.operands[3], "-x");
    assert_string_equal(f->result.operands[4], "--help");
    assert_true(f->values.quiet);
    assert_false(f->values.common.help);
    assert_int_equal(f->values.max_queue, 3);
}

static void durations_and_sizes_have_units(void **state)
{
    static const struct {
        const char *text;
        uint64_t ms;
    } durations[] = {
        { "500ms", 500 }, { "10s", 10000 }, { "5m", 300000 }, { "1h", 3600000 },
        { "10", 10000 },  { "1.5s", 1500 }, { "5M", 300000 },
    };
    static const struct {
        const char *text;
        uint64_t bytes;
    } sizes[] = {
        { "0", 0 },          { "512", 512 },         { "64k", 65536 },
        { "32M", 33554432 }, { "1.5g", 1610612736 }, { "1t", 1099511627776 },
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof(durations) / sizeof(durations[0]); i++) {
        assert_int_equal(LOAD(f, "--queue-timeout", durations[i].text), 0);
        assert_int_equal(f->values.timeout_ms, durations[i].ms);
    }
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        assert_int_equal(LOAD(f, "--cache", sizes[i].text), 0);
        assert_int_equal(f->values.cache_bytes, sizes[i].bytes);
    }
}

static void bounds_are_told_in_a_unit_that_can_be_read_and_given(void **state)
{
    static const struct {
        enum option_type type;
        double max;
        const char *told;
    } cases[] = {
        { OPTION_SIZE, 1e13, "[from 1k to 9t]" },
        { OPTION_SIZE, 1099511627776, "[from 1k to 1t]" },
        { OPTION_SIZE, 1073741824, "[from 1k to 1g]" },
        { OPTION_SIZE, 1e12, "[from 1k to 931.3g]" },
        { OPTION_SIZE, 1500, "[from 1k to 1500]" },
        { OPTION_DURATION, 864000000, "[from 1024ms to 240h]" },
        { OPTION_DURATION, 90000, "[from 1024ms to 90s]" },
    };
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct option one[] = {
            { .name = "x", .type = cases[i].type, .min = 1024, .max = cases[i].max, .help = "X" },
            { 0 },
        };
        const struct option_program of_one = { .name = "x", .usage = "", .options = one };
        struct buf help;

        buf_init(&help, 4096);
        options_help(&of_one, &help);
        assert_non_null(strstr(buf_cstr(&help), cases[i].told));
        buf_deinit(&help);
    }
}

static void a_bad_flag_is_told_with_what_is_allowed(void **state)
{
    static const struct {
        const char *first, *second, *message;
    } cases[] = {
        { "--max-queue", "abc", "--max-queue: 'abc' is not a whole number from 1 to 100000" },
        { "--max-queue=0", NULL, "--max-queue: '0' is not a whole number from 1 to 100000" },
        { "-m", "1e3", "--max-queue: '1e3' is not a whole number from 1 to 100000" },
        { "--max-queue", NULL, "--max-queue: needs a value: a whole number from 1 to 100000" },
        { "-m", NULL, "--max-queue: needs a value: a whole number from 1 to 100000" },
        { "--ratio=2", NULL, "--ratio: '2' is not a number from 0 to 1" },
        { "--ratio=nan", NULL, "--ratio: 'nan' is not a number from 0 to 1" },
        { "--queue-timeout=2h", NULL,
          "--queue-timeout: '2h' is not a duration (500ms, 10s, 5m, 1h) from 1ms to 1h" },
        { "--queue-timeout=1d", NULL,
          "--queue-timeout: '1d' is not a duration (500ms, 10s, 5m, 1h) from 1ms to 1h" },
        { "--queue-timeout=-1s", NULL,
          "--queue-timeout: '-1s' is not a duration (500ms, 10s, 5m, 1h) from 1ms to 1h" },
        { "--cache=", NULL, "--cache: '' is not a size (64k, 32m, 1g)" },
        { "--cache=9999999999g", NULL, "--cache: '9999999999g' is not a size (64k, 32m, 1g)" },
        { "--log-level=loud", NULL, "--log-level: 'loud' is not one of error, warn, info, debug" },
        { "--label=novalue", NULL, "--label: 'novalue' is not KEY=VALUE" },
        { "--label==v", NULL, "--label: '=v' is not KEY=VALUE" },
        { "--listen=", NULL, "--listen: '' is not a non-empty text" },
        { "--fast=yes", NULL, "--fast: 'yes' is not true or false" },
        { "--no-fast=true", NULL, "--no-fast: takes no value" },
        { "--lisen=x", NULL, "unknown option '--lisen' (did you mean '--listen'?)" },
        { "--no-max-queue", NULL, "unknown option '--no-max-queue' (did you mean '--max-queue'?)" },
        { "--elephant", NULL, "unknown option '--elephant'" },
        { "--secre", NULL, "unknown option '--secre'" }, /* the hidden are not told */
        { "-z", NULL, "unknown option '-z'" },
        { "-qz", NULL, "unknown option '-z'" },
        { "stray", NULL, "unexpected argument 'stray'" },
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(LOAD(f, cases[i].first, cases[i].second), ERR_INVALID);
        assert_string_equal(f->err.msg, cases[i].message);
        assert_null(f->values.common.listen.items); /* nothing is left to release */
    }
}

static void the_environment_is_read_by_prefix_and_name(void **state)
{
    struct fixture *f = *state;

    (void)setenv("RBEETEST_MAX_QUEUE", "12", 1);
    (void)setenv("RBEETEST_LISTEN", "  a:1 b:2\n", 1);
    (void)setenv("RBEETEST_FAST", "false", 1);
    (void)setenv("RBEETEST_STATE_DIR", "", 1);
    (void)setenv("RBEETEST_SECRET", "no", 1);
    (void)setenv("RBEETEST_HELP", "true", 1);
    int rc = LOAD_DEFAULTS(f);
    (void)setenv("RBEETEST_LOG_LEVEL", "loud", 1);
    struct values good = f->values;
    memset(&f->values, 0, sizeof(f->values));
    int bad_rc = LOAD_DEFAULTS(f);
    (void)unsetenv("RBEETEST_MAX_QUEUE");
    (void)unsetenv("RBEETEST_LISTEN");
    (void)unsetenv("RBEETEST_FAST");
    (void)unsetenv("RBEETEST_STATE_DIR");
    (void)unsetenv("RBEETEST_SECRET");
    (void)unsetenv("RBEETEST_HELP");
    (void)unsetenv("RBEETEST_LOG_LEVEL");

    assert_int_equal(bad_rc, ERR_INVALID);
    assert_string_equal(f->err.msg,
                        "RBEETEST_LOG_LEVEL: 'loud' is not one of error, warn, info, debug");
    assert_int_equal(rc, 0);
    f->values = good;
    assert_int_equal(f->values.max_queue, 12);
    assert_list(&f->values.common.listen, "a:1|b:2");
    assert_false(f->values.fast);
    assert_null(f->values.common.state_dir);
    assert_null(f->values.secret);
    assert_false(f->values.common.help);
}

static const char yaml_text[] = "# a comment\n"
                                "listen: [a:1, 'b:2']\n"
                                "max_queue: 7\n"
                                "queue-timeout: 1m\n"
                                "fast: false\n"
                                "state-dir: \"/tmp/\\u00e9\"\n"
                                "label:\n"
                                "  geo.region: EU\n"
                                "  note: two words\n";

static const char toml_text[] = "# a comment\r\n"
                                "listen = [ \"a:1\", # one\n"
                                "  'b:2',\n"
                                "]\n"
                                "max_queue = 0_7\n"
                                "\"queue-timeout\" = \"1m\"\n"
                                "fast = false # slow\n"
                                "state-dir = \"/tmp/\\u00e9\"\n"
                                "\n"
                                "[label]\n"
                                "\"geo.region\" = \"EU\"\n"
                                "note = 'two words'\n";

static void a_file_sets_the_same_in_either_syntax(void **state)
{
    struct fixture *f = *state;
    const char *const paths[] = { "rbee.yaml", "rbee.toml" };
    const char *const texts[] = { yaml_text, toml_text };

    for (size_t i = 0; i < 2; i++) {
        if (LOAD(f, "--config", write_config(f, paths[i], texts[i])) < 0)
            fail_msg("%s", f->err.msg);
        assert_list(&f->values.common.listen, "a:1|b:2");
        assert_int_equal(f->values.max_queue, 7);
        assert_int_equal(f->values.timeout_ms, 60000);
        assert_false(f->values.fast);
        assert_string_equal(f->values.common.state_dir, "/tmp/\xc3\xa9");
        assert_list(&f->values.labels, "geo.region=EU|note=two words");
        assert_string_equal(f->values.common.config, f->config);
    }
}

static void flag_beats_environment_beats_file_beats_default(void **state)
{
    struct fixture *f = *state;
    const char *path = write_config(f, "c.yaml",
                                    "max-queue: 2\nratio: 0.5\nlisten: file:1\n"
                                    "log-level: warn\nlabel: {a: file, b: file}\n");

    (void)setenv("RBEETEST_CONFIG", path, 1);
    (void)setenv("RBEETEST_MAX_QUEUE", "3", 1);
    (void)setenv("RBEETEST_LISTEN", "env:1 env:2", 1);
    int rc = LOAD(f, "--max-queue=4", "--label", "c=flag");
    (void)unsetenv("RBEETEST_CONFIG");
    (void)unsetenv("RBEETEST_MAX_QUEUE");
    (void)unsetenv("RBEETEST_LISTEN");

    assert_int_equal(rc, 0);
    assert_int_equal(f->values.max_queue, 4);
    assert_list(&f->values.common.listen, "env:1|env:2"); /* whole, not appended */
    assert_list(&f->values.labels, "c=flag");
    assert_true(f->values.ratio == 0.5);
    assert_int_equal(f->values.common.log_level, LOG_WARN);
    assert_int_equal(f->values.cache_bytes, 64 * 1024 * 1024);
}

static void only_a_default_file_may_be_absent(void **state)
{
    struct fixture *f = *state;
    static const char *const none[] = { NULL };
    const char *absent = "/nonexistent/rbee.yaml";

    assert_int_equal(load_as(f, &program, absent, none), 0);
    assert_int_equal(LOAD(f, "--config", absent), ERR_SYSTEM);
    assert_int_equal(f->err.sys_errno, ENOENT);
    assert_non_null(strstr(f->err.msg, absent));
    assert_int_equal(load_as(f, &program, write_config(f, "d.yaml", "max-queue: 8\n"), none), 0);
    assert_int_equal(f->values.max_queue, 8);
    assert_int_equal(load_as(f, &program, write_config(f, "d.yaml", "nonsense: 8\n"), none),
                     ERR_INVALID);
}

static void a_bad_file_is_told_with_its_line(void **state)
{
    static const struct {
        const char *name, *text, *message;
    } cases[] = {
        { "rbee.yaml", "fast: true\n\nlisen: x\n",
          "rbee.yaml:3: unknown key 'lisen' (did you mean 'listen'?)" },
        { "rbee.yaml", "elephant: x\n", "rbee.yaml:1: unknown key 'elephant'" },
        { "rbee.yaml", "fast: true\nmax-queue: abc\n",
          "rbee.yaml:2: max-queue: 'abc' is not a whole number from 1 to 100000" },
        { "rbee.yaml", "listen:\n  - a:1\n  - ''\n",
          "rbee.yaml:3: listen: '' is not a non-empty text" },
        { "rbee.yaml", "max-queue: 1\nmax_queue: 2\n", "rbee.yaml:2: 'max-queue' is set twice" },
        { "rbee.yaml", "config: x\n", "rbee.yaml:1: 'config' cannot be set in a file" },
        { "rbee.yaml", "max-queue: [1]\n",
          "rbee.yaml:1: max-queue: must be a whole number from 1 to 100000, found a list" },
        { "rbee.yaml", "listen: {a: b}\n",
          "rbee.yaml:1: listen: must be a non-empty text, found a mapping" },
        { "rbee.yaml", "listen: [[a]]\n", "rbee.yaml:1: listen: each item must be a plain text" },
        { "rbee.yaml", "label: {a: [b]}\n", "rbee.yaml:1: label: each value must be a plain text" },
        { "rbee.yaml", "label: {[a]: b}\n", "rbee.yaml:1: label: each key must be a plain text" },
        { "rbee.yaml", "label: {a=b: c}\n", "rbee.yaml:1: label: 'a=b' has a '=' in its name" },
        { "rbee.yaml", "? [a]\n: b\n", "rbee.yaml:1: each key must be a plain text" },
        { "rbee.yaml", "state-dir:\n", "rbee.yaml:1: state-dir: has no value" },
        { "rbee.yaml", "state-dir: &a x\n",
          "rbee.yaml:1: anchors, aliases and tags are not allowed" },
        { "rbee.yaml", "fast: *a\n", "rbee.yaml:1: anchors, aliases and tags are not allowed" },
        { "rbee.yaml", "state-dir: !!str x\n",
          "rbee.yaml:1: anchors, aliases and tags are not allowed" },
        { "rbee.yaml", "label: !x {a: b}\n",
          "rbee.yaml:1: anchors, aliases and tags are not allowed" },
        { "rbee.yaml", "just a text\n", "rbee.yaml:1: must be lines of KEY: VALUE" },
        { "rbee.yaml", "- a\n", "rbee.yaml:1: must be lines of KEY: VALUE" },
        { "rbee.yaml", "fast: true\n---\nfast: true\n",
          "rbee.yaml:2: only one document is allowed" },
        { "rbee.yaml", "fast: true\nlisten: [a\n",
          "rbee.yaml:2: did not find expected ',' or ']'" },
        { "rbee.yaml", "fast: true\nstate-dir: \xff\n",
          "rbee.yaml:2: invalid leading UTF-8 octet" },
        { "rbee.yaml", "state-dir: \"a\\0\"\n", "rbee.yaml:1: state-dir: holds a NUL character" },
        { "rbee.toml", "\nlisen = 'x'",
          "rbee.toml:2: unknown key 'lisen' (did you mean 'listen'?)" },
        { "rbee.toml", "listen = 127.0.0.1:80", "rbee.toml:1: '127.0.0.1:80' must be in quotes" },
        { "rbee.toml", "state-dir = bare", "rbee.toml:1: 'bare' must be in quotes" },
        { "rbee.toml", "state-dir =", "rbee.toml:1: expected a value" },
        { "rbee.toml", "state-dir", "rbee.toml:1: expected '=' after a key" },
        { "rbee.toml", "= 1", "rbee.toml:1: expected a key" },
        { "rbee.toml", "label.a = 1",
          "rbee.toml:1: dotted keys are not supported; quote a key that has a '.' in it" },
        { "rbee.toml", "fast = true true", "rbee.toml:1: expected the end of the line" },
        { "rbee.toml", "state-dir = \"x\n\"", "rbee.toml:1: a string does not end on its line" },
        { "rbee.toml", "state-dir = 'x", "rbee.toml:1: a string does not end on its line" },
        { "rbee.toml", "state-dir = \"\"\"x\"\"\"",
          "rbee.toml:1: strings over several lines are not supported" },
        { "rbee.toml", "state-dir = \"\\x\"", "rbee.toml:1: not an escape that TOML knows" },
        { "rbee.toml", "state-dir = \"\\u12\"", "rbee.toml:1: not an escape that TOML knows" },
        { "rbee.toml", "state-dir = \"\\ud800\"", "rbee.toml:1: an escape names no character" },
        { "rbee.toml", "state-dir = \"\\u0000\"", "rbee.toml:1: state-dir: holds a NUL character" },
        { "rbee.toml", "state-dir = \"\x01\"", "rbee.toml:1: a control character in a string" },
        { "rbee.toml", "listen = ['a' 'b']", "rbee.toml:1: expected ',' or ']' in an array" },
        { "rbee.toml", "listen = [\n'a',\n", "rbee.toml:3: expected a value" },
        { "rbee.toml", "max-queue = []",
          "rbee.toml:1: max-queue: must be a whole number from 1 to 100000, found a list" },
        { "rbee.toml", "label = { a = 'b' c = 'd' }",
          "rbee.toml:1: expected ',' or '}' in an inline table" },
        { "rbee.toml", "label = { a = 'b', }", "rbee.toml:1: expected a key" },
        { "rbee.toml", "[[label]]", "rbee.toml:1: arrays of tables are not supported" },
        { "rbee.toml", "[listen]",
          "rbee.toml:1: listen: must be a non-empty text, found a mapping" },
        { "rbee.toml", "[label", "rbee.toml:1: expected ']' after a table's name" },
        { "rbee.toml", "[label]\na = 'b'\n[label]", "rbee.toml:3: 'label' is set twice" },
        { "rbee.toml", "fast = \xff", "rbee.toml: is not UTF-8" },
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int rc = options_from_file_text(&program, cases[i].name, str_of(cases[i].text), &f->values,
                                        &f->err);
        assert_int_equal(rc, ERR_INVALID);
        assert_string_equal(f->err.msg, cases[i].message);
        options_free(&program, &f->values);
    }
}

static void empty_files_set_nothing(void **state)
{
    static const char *const yaml[] = { "", "# only a comment\n", "---\n", "{}", "---\n...\n" };
    static const char *const toml[] = { "", "# only a comment", "\r\n \t\n", "[label]\n" };
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof(yaml) / sizeof(yaml[0]); i++)
        assert_int_equal(
            options_from_file_text(&program, "a.yaml", str_of(yaml[i]), &f->values, &f->err), 0);
    for (size_t i = 0; i < sizeof(toml) / sizeof(toml[0]); i++)
        assert_int_equal(
            options_from_file_text(&program, "a.toml", str_of(toml[i]), &f->values, &f->err), 0);
    assert_int_equal(f->values.labels.len, 0);
}

static void a_file_has_a_cap(void **state)
{
    struct fixture *f = *state;
    char *text = malloc(OPTION_FILE_MAX + 2);

    assert_non_null(text);
    memset(text, '\n', OPTION_FILE_MAX + 1);
    text[OPTION_FILE_MAX + 1] = '\0';
    assert_int_equal(LOAD(f, "--config", write_config(f, "big.yaml", text)), ERR_LIMIT);
    text[OPTION_FILE_MAX] = '\0';
    assert_int_equal(LOAD(f, "--config", write_config(f, "big.yaml", text)), 0);
    free(text);
}

static void help_and_version_hide_behind_no_broken_file(void **state)
{
    struct fixture *f = *state;
    const char *path = write_config(f, "bad.yaml", "nonsense: 1\n");

    assert_int_equal(LOAD(f, "--config", path, "--max-queue=0", "--help", "--bogus"), 0);
    assert_true(f->values.common.help);
    assert_int_equal(f->values.max_queue, 1000);
    assert_int_equal(LOAD(f, "-V", "--config", "/nonexistent"), 0);
    assert_true(f->values.common.version);
    assert_int_equal(LOAD(f, "--bogus", "--help"), ERR_INVALID);
}

static void help_is_made_of_the_table(void **state)
{
    struct buf out;
    (void)state;

    buf_init(&out, 64 * 1024);
    options_help(&program, &out);
    const char *help = buf_cstr(&out);
    assert_memory_equal(help, "Usage: test-rbee [OPTION]...\na program for tests\n", 49);
    assert_non_null(strstr(help, "  -m, --max-queue=N           How many jobs may wait [from 1 to "
                                 "100000; default\n                              1000]\n"));
    assert_non_null(strstr(help, "  -f, --no-fast               Be fast\n"));
    assert_non_null(strstr(help, "[one of error,\n"));
    assert_non_null(strstr(help, "[from 1ms to 1h; default\n"));
    assert_non_null(strstr(help, "    2  wrong use\n"));
    assert_non_null(strstr(help, "(RBEETEST_NAME)"));
    assert_null(strstr(help, "secret"));
    for (const char *line = help; *line; line = strchr(line, '\n') + 1)
        assert_in_range(strcspn(line, "\n"), 0, 80);
    buf_deinit(&out);
}

static void the_man_page_is_made_of_the_table(void **state)
{
    struct buf out;
    (void)state;

    buf_init(&out, 64 * 1024);
    options_man(&program, &out);
    const char *man = buf_cstr(&out);
    assert_memory_equal(man, ".TH TEST-RBEE 1 ", 16);
    assert_non_null(strstr(man, "\n.SH NAME\ntest\\-rbee \\- a program for tests\n"));
    assert_non_null(strstr(man, "First paragraph.\n.PP\n\\&.Second one.\n"));
    assert_non_null(strstr(man, ".TP\n.B \\-m, \\-\\-max\\-queue=N\nHow many jobs may wait"));
    assert_non_null(strstr(man, "backslashes \\e are kept"));
    assert_non_null(strstr(man, ".SH EXIT STATUS\n.TP\n.B 0\ndone.\n"));
    assert_null(strstr(man, "secret"));
    buf_deinit(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(without_anything_the_defaults_hold, setup, teardown),
        cmocka_unit_test_setup_teardown(flags_follow_the_conventions_of_gnu, setup, teardown),
        cmocka_unit_test_setup_teardown(operands_are_what_is_left_in_order, setup, teardown),
        cmocka_unit_test_setup_teardown(durations_and_sizes_have_units, setup, teardown),
        cmocka_unit_test(bounds_are_told_in_a_unit_that_can_be_read_and_given),
        cmocka_unit_test_setup_teardown(a_bad_flag_is_told_with_what_is_allowed, setup, teardown),
        cmocka_unit_test_setup_teardown(the_environment_is_read_by_prefix_and_name, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_file_sets_the_same_in_either_syntax, setup, teardown),
        cmocka_unit_test_setup_teardown(flag_beats_environment_beats_file_beats_default, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(only_a_default_file_may_be_absent, setup, teardown),
        cmocka_unit_test_setup_teardown(a_bad_file_is_told_with_its_line, setup, teardown),
        cmocka_unit_test_setup_teardown(empty_files_set_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(a_file_has_a_cap, setup, teardown),
        cmocka_unit_test_setup_teardown(help_and_version_hide_behind_no_broken_file, setup,
                                        teardown),
        cmocka_unit_test(help_is_made_of_the_table),
        cmocka_unit_test(the_man_page_is_made_of_the_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
