#include "supervisor/leftover.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char dir[256];

static int make_dir(void **state)
{
    const char *tmp = getenv("TMPDIR");
    char path[512];
    (void)state;

    (void)snprintf(dir, sizeof(dir), "%s/leftover_test.XXXXXX", tmp ? tmp : "/tmp");
    assert_non_null(mkdtemp(dir));
    (void)snprintf(path, sizeof(path), "%s/tiny.gguf", dir);
    AUTO(close_fd) int fd = open(path, O_WRONLY | O_CREAT, 0600);
    assert_int_equal(write(fd, "GGUF", 4), 4);
    return 0;
}

static int drop_dir(void **state)
{
    char path[512];
    (void)state;

    (void)snprintf(path, sizeof(path), "%s/tiny.gguf", dir);
    (void)unlink(path);
    return rmdir(dir);
}

#define CMDLINE(text)            \
    (struct str)                 \
    {                            \
        (text), sizeof(text) - 1 \
    }

static void a_models_name_is_the_records_then_the_references_then_the_paths(void **state)
{
    char ref[MODEL_REF_SIZE], line[600];
    (void)state;

    assert_true(process_model("record", CMDLINE("w\0--model-ref\0other"), dir, ref));
    assert_string_equal(ref, "record");
    assert_true(process_model(NULL, CMDLINE("w\0--alias=a\0--model-ref\0r"), dir, ref));
    assert_string_equal(ref, "r");
    assert_true(process_model("", CMDLINE("w\0--alias=a\0--model\0/x.gguf"), dir, ref));
    assert_string_equal(ref, "a");

    int len = snprintf(line, sizeof(line), "w --model %s/tiny.gguf", dir);
    line[1] = line[9] = '\0';
    assert_true(process_model(NULL, (struct str){ line, (size_t)len }, dir, ref));
    assert_string_equal(ref, "tiny");
    assert_false(process_model(NULL, CMDLINE("w\0--model\0/elsewhere/x.gguf"), dir, ref));
    assert_false(process_model(NULL, CMDLINE("w\0--slots\0001"), dir, ref));
}

/* A worker in a group of its own that does not end with its parent. */
static pid_t start(const char *token_path)
{
    const char *program = getenv("FAKE_HIVE_WORKER");
    pid_t pid = fork();

    if (pid == 0) {
        (void)setpgid(0, 0);
        (void)execl(program ? program : "", "worker", "--listen", "127.0.0.1:0", "--worker-id",
                    "w9", "--model-ref", "tiny", "--token-file", token_path, NULL);
        _exit(127);
    }
    (void)setpgid(pid, pid);
    return pid;
}

struct ended {
    unsigned count;
    pid_t pid;
    char worker_id[WORKER_ID_SIZE], model[MODEL_REF_SIZE];
};

static void on_end(void *data, pid_t pid, const char *worker_id, const char *model)
{
    struct ended *e = data;

    e->count++;
    e->pid = pid;
    (void)str_copy(e->worker_id, sizeof(e->worker_id), str_of(worker_id));
    (void)str_copy(e->model, sizeof(e->model), str_of(model));
}

static void a_worker_of_ours_that_was_left_is_ended(void **state)
{
    struct ended ended = { 0 };
    char path[512];
    int status;
    (void)state;

    (void)snprintf(path, sizeof(path), "%s/tiny.gguf", dir); /* as good a token as any */
    pid_t pid = start(path);
    while (leftovers_end("/proc", dir, dir, on_end, &ended) == 0)
        assert_int_equal(waitpid(pid, &status, WNOHANG), 0);
    assert_int_equal(ended.pid, pid);
    assert_string_equal(ended.worker_id, "w9");
    assert_string_equal(ended.model, "tiny");
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void what_has_another_hives_token_is_left_alone(void **state)
{
    struct ended ended = { 0 };
    char path[512], other[512];
    int status;
    (void)state;

    (void)snprintf(path, sizeof(path), "%s/tiny.gguf", dir);
    (void)snprintf(other, sizeof(other), "%.200s-other", dir);
    pid_t pid = start(path);
    assert_int_equal(leftovers_end("/proc", other, dir, on_end, &ended), 0);
    assert_int_equal(leftovers_end("/nonexistent", dir, dir, on_end, &ended), 0);
    assert_int_equal(ended.count, 0);
    assert_int_equal(waitpid(pid, &status, WNOHANG), 0);
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            a_models_name_is_the_records_then_the_references_then_the_paths, make_dir, drop_dir),
        cmocka_unit_test_setup_teardown(a_worker_of_ours_that_was_left_is_ended, make_dir,
                                        drop_dir),
        cmocka_unit_test_setup_teardown(what_has_another_hives_token_is_left_alone, make_dir,
                                        drop_dir),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
