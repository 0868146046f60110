#include "worker/options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Loads `args` (NULL-terminated, without the program's name). */
static int load(char **args, struct worker_options *o, struct err *err)
{
    char *argv[16] = { (char[]){ "worker" } };
    struct option_result rest;
    int argc = 1;

    for (; args[argc - 1]; argc++)
        argv[argc] = args[argc - 1];
    *o = (struct worker_options){ 0 };
    int rc = options_load(&worker_program, argc, argv, NULL, o, &rest, err);
    return rc < 0 ? rc : worker_options_check(o, err);
}

#define ARGS(...) ((char *[]){ __VA_ARGS__, NULL })
#define ARG(text) ((char[]){ text })

static void the_models_name_comes_from_its_file_unless_it_is_given(void **state)
{
    struct worker_options o;
    struct err err;
    (void)state;

    assert_int_equal(load(ARGS(ARG("--model=/a/b/tiny-1.gguf")), &o, &err), 0);
    assert_string_equal(o.ref, "tiny-1");
    assert_string_equal(o.model_file, "/a/b/tiny-1.gguf");
    worker_options_free(&o);
    assert_int_equal(load(ARGS(ARG("--model=x.gguf"), ARG("--model-ref=org/x")), &o, &err), 0);
    assert_string_equal(o.ref, "org/x");
    worker_options_free(&o);
    assert_int_equal(load(ARGS(ARG("--model=x.gguf"), ARG("--alias=y")), &o, &err), 0);
    assert_string_equal(o.ref, "y");
    worker_options_free(&o);
}

static void what_is_left_open_is_worked_out(void **state)
{
    struct worker_options o;
    struct err err;
    (void)state;

    assert_int_equal(
        load(ARGS(ARG("--model=x.gguf"), ARG("--slots=3"), ARG("--label=a=b")), &o, &err), 0);
    assert_true(o.threads >= 1);
    assert_int_equal(o.queue, 6);
    assert_string_equal(labels_get(&o.label_map, "a"), "b");
    assert_true(strlen(o.id) > 0);
    worker_options_free(&o);
}

static void a_worker_of_a_hive_reports_to_nobody(void **state)
{
    struct worker_options o;
    struct err err;
    (void)state;

    assert_int_equal(load(ARGS(ARG("--model=x.gguf"), ARG("--queen-url=http://127.0.0.1:1"),
                               ARG("--exit-with-parent")),
                          &o, &err),
                     0);
    assert_null(o.queen_url);
    worker_options_free(&o);
}

static void a_directory_stands_for_the_model_in_it(void **state)
{
    char dir[64], path[96], flag[96];
    const char *tmp = getenv("TMPDIR");
    struct worker_options o;
    struct err err = { 0 };
    (void)state;

    (void)snprintf(dir, sizeof(dir), "%.40s/worker-XXXXXX", tmp ? tmp : "/tmp");
    assert_non_null(mkdtemp(dir));
    (void)snprintf(flag, sizeof(flag), "--model=%s/", dir);
    assert_int_equal(load(ARGS(flag), &o, &err), ERR_INVALID);
    assert_string_equal(err.param, "model");
    worker_options_free(&o);

    (void)snprintf(path, sizeof(path), "%s/some.gguf", dir);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(write(fd, "GGUF\3\0\0\0................", 24), 24);
    assert_int_equal(close(fd), 0);
    (void)snprintf(flag, sizeof(flag), "--model=%s/", dir);
    if (load(ARGS(flag), &o, &err) < 0)
        fail_msg("%s", err.msg);
    assert_non_null(strstr(o.model_file, "/some.gguf"));
    assert_string_equal(o.ref, strrchr(dir, '/') + 1);
    worker_options_free(&o);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(dir), 0);
}

static void bad_options_are_refused_by_name(void **state)
{
    char *const cases[][3] = {
        { ARG("--slots=4") /* no model */ },
        { ARG("--model=x.gguf"), ARG("--slots=0") },
        { ARG("--model=x.gguf"), ARG("--threads=-1") },
        { ARG("--model=x.gguf"), ARG("--label=novalue") },
        { ARG("--model=x.gguf"), ARG("--queen-url=https://queen") },
        { ARG("--model=x.gguf"), ARG("--modle=y") },
    };
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct worker_options o;
        struct err err = { 0 };
        char *args[3] = { cases[i][0], cases[i][1], cases[i][2] };
        assert_int_equal(load(args, &o, &err), ERR_INVALID);
        assert_true(strlen(err.msg) > 0);
        assert_string_not_equal(err.param, "model"); /* that would mean the file */
        worker_options_free(&o);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_models_name_comes_from_its_file_unless_it_is_given),
        cmocka_unit_test(what_is_left_open_is_worked_out),
        cmocka_unit_test(a_worker_of_a_hive_reports_to_nobody),
        cmocka_unit_test(a_directory_stands_for_the_model_in_it),
        cmocka_unit_test(bad_options_are_refused_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
