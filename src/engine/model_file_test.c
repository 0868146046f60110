#include "engine/model_file.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

struct fixture {
    char dir[64], path[96];
};

static int set_up(void **state)
{
    struct fixture *f = mem_alloc(1, sizeof(*f));
    const char *tmp = getenv("TMPDIR");
    (void)snprintf(f->dir, sizeof(f->dir), "%.40s/model-XXXXXX", tmp ? tmp : "/tmp");
    assert_non_null(mkdtemp(f->dir));
    (void)snprintf(f->path, sizeof(f->path), "%s/m.gguf", f->dir);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    (void)unlink(f->path);
    (void)rmdir(f->dir);
    free(f);
    return 0;
}

static void put(const struct fixture *f, const void *head, size_t len, size_t file_bytes)
{
    AUTO(close_fd) int fd = open(f->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, head, len), len);
    assert_int_equal(ftruncate(fd, (off_t)file_bytes), 0);
}

static void put_gguf(const struct fixture *f, uint32_t version, uint64_t tensors, uint64_t pairs,
                     size_t file_bytes)
{
    char head[24] = "GGUF";
    memcpy(head + 4, &version, sizeof(version));
    memcpy(head + 8, &tensors, sizeof(tensors));
    memcpy(head + 16, &pairs, sizeof(pairs));
    put(f, head, sizeof(head), file_bytes);
}

static void expect_refusal(const struct fixture *f, const char *why)
{
    struct model_file file;
    struct err err = { 0 };

    assert_int_equal(model_file_check(f->path, &file, &err), ERR_INVALID);
    assert_string_equal(err.param, "model");
    if (!strstr(err.msg, why))
        fail_msg("'%s' does not say '%s'", err.msg, why);
}

static void a_file_that_is_no_model_is_refused_with_the_reason(void **state)
{
    struct fixture *f = *state;

    (void)unlink(f->path);
    expect_refusal(f, "No such file");
    assert_int_equal(mkdir(f->path, 0700), 0);
    expect_refusal(f, "is not a file");
    assert_int_equal(rmdir(f->path), 0);
    put(f, "", 0, 0);
    expect_refusal(f, "only 0 bytes");
    put(f, "GGUF", 4, 20);
    expect_refusal(f, "only 20 bytes");
    put(f, "PK\3\4", 4, 4096);
    expect_refusal(f, "is not a GGUF model");
    put_gguf(f, 1, 10, 10, 4096);
    expect_refusal(f, "GGUF version 1");
    put_gguf(f, 0x03000000, 10, 10, 4096); /* of a big-endian machine */
    expect_refusal(f, "GGUF version");
    put_gguf(f, 3, 0, 10, 4096);
    expect_refusal(f, "a vocabulary but no model");
    put_gguf(f, 3, 1000, 10, 4096);
    expect_refusal(f, "cut short");
    put_gguf(f, 3, 10, UINT64_MAX, 4096);
    expect_refusal(f, "cut short");
}

static void another_content_has_another_fingerprint(void **state)
{
    struct fixture *f = *state;
    struct model_file first, again, other;
    struct err err;

    put_gguf(f, 3, 2, 3, 1 << 20);
    assert_int_equal(model_file_check(f->path, &first, &err), 0);
    assert_int_equal(model_file_check(f->path, &again, &err), 0);
    assert_string_equal(first.fingerprint, again.fingerprint);
    assert_int_equal(first.bytes, 1 << 20);

    AUTO(close_fd) int fd = open(f->path, O_WRONLY | O_CLOEXEC);
    assert_int_equal(pwrite(fd, "x", 1, 1015808), 1);
    assert_int_equal(model_file_check(f->path, &other, &err), 0);
    assert_string_not_equal(first.fingerprint, other.fingerprint);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_file_that_is_no_model_is_refused_with_the_reason, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(another_content_has_another_fingerprint, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
