#include "models/models.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char top[256], dir[300];

static void put_bytes(const char *name, const char *bytes, size_t len)
{
    char path[1024];

    (void)snprintf(path, sizeof(path), "%s/%s", dir, name);
    for (char *slash = path + strlen(dir) + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = '\0';
        (void)mkdir(path, 0700);
        *slash = '/';
    }
    AUTO(close_fd) int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, len), (ssize_t)len);
}

static void put(const char *name, const char *text)
{
    put_bytes(name, text, strlen(text));
}

static void put_link(const char *name, const char *target)
{
    char path[1024];

    (void)snprintf(path, sizeof(path), "%s/%s", dir, name);
    assert_int_equal(symlink(target, path), 0);
}

static int make_dir(void **state)
{
    const char *tmp = getenv("TMPDIR");
    (void)state;

    (void)snprintf(top, sizeof(top), "%s/models_test.XXXXXX", tmp ? tmp : "/tmp");
    assert_non_null(mkdtemp(top));
    (void)snprintf(dir, sizeof(dir), "%s/models", top);
    assert_int_equal(mkdir(dir, 0700), 0);
    return 0;
}

static int drop_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st, (void)kind, (void)ftw;
    return remove(path);
}

static int drop_dir(void **state)
{
    (void)state;
    return nftw(top, drop_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void assert_resolves(const char *ref, const char *want)
{
    char path[MODEL_PATH_SIZE], full[MODEL_PATH_SIZE];
    struct err err;

    if (model_resolve(dir, str_of(ref), path, &err) < 0)
        fail_msg("%s: %s", ref, err.msg);
    (void)snprintf(full, sizeof(full), "%s/%s", dir, want);
    assert_string_equal(path, full);
}

static void a_reference_is_a_file_or_the_first_in_a_directory(void **state)
{
    (void)state;
    put("tiny.gguf", "GGUF....");
    put("big/b-00002-of-00002.gguf", "GGUF");
    put("big/b-00001-of-00002.gguf", "GGUF");
    put("big/README", "x");
    put("org/name/model.gguf", "GGUF");
    assert_resolves("tiny", "tiny.gguf");
    assert_resolves("big", "big/b-00001-of-00002.gguf");
    assert_resolves("org/name", "org/name/model.gguf");
    assert_resolves("org/name/model", "org/name/model.gguf");
}

static void what_is_no_reference_is_refused_by_name(void **state)
{
    static const struct {
        struct str ref;
        int code;
    } rows[] = {
        { { "", 0 }, ERR_INVALID },
        { { "/etc/passwd", 11 }, ERR_INVALID },
        { { "..", 2 }, ERR_INVALID },
        { { "a/../tiny", 9 }, ERR_INVALID },
        { { "./tiny", 6 }, ERR_INVALID },
        { { "a//b", 4 }, ERR_INVALID },
        { { "tiny/", 5 }, ERR_INVALID },
        { { "tiny\0x", 6 }, ERR_INVALID },
        { { "ti\nny", 5 }, ERR_INVALID },
        { { "ti\xffny", 5 }, ERR_INVALID },
        { { "absent", 6 }, ERR_MODEL_NOT_FOUND },
        { { "org", 3 }, ERR_MODEL_NOT_FOUND },
    };
    char path[MODEL_PATH_SIZE], longest[2 * MODEL_REF_SIZE];
    struct err err;
    (void)state;

    put("tiny.gguf", "GGUF");
    put("org/name/model.gguf", "GGUF");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(model_resolve(dir, rows[i].ref, path, &err), rows[i].code);
        assert_string_equal(err.param, "model");
    }
    memset(longest, 'a', sizeof(longest));
    assert_int_equal(model_resolve(dir, (struct str){ longest, sizeof(longest) }, path, &err),
                     ERR_INVALID);
}

static void links_may_not_lead_out(void **state)
{
    char path[MODEL_PATH_SIZE];
    struct err err;
    (void)state;

    put("../outside.gguf", "GGUF");
    put("inside/m.gguf", "GGUF");
    put_link("out.gguf", "../outside.gguf");
    put_link("gone", "..");
    put_link("alias.gguf", "inside/m.gguf");
    put_link("loop.gguf", "loop.gguf");
    assert_int_equal(model_resolve(dir, str_of("out"), path, &err), ERR_INVALID);
    assert_int_equal(model_resolve(dir, str_of("gone"), path, &err), ERR_INVALID);
    assert_int_equal(model_resolve(dir, str_of("gone/outside"), path, &err), ERR_INVALID);
    assert_int_equal(model_resolve(dir, str_of("loop"), path, &err), ERR_MODEL_NOT_FOUND);
    assert_resolves("alias", "inside/m.gguf");
}

static void what_is_no_model_is_refused(void **state)
{
    char path[MODEL_PATH_SIZE], name[400];
    struct err err;
    (void)state;

    put("text.gguf", "hello");
    put("cut.gguf", "GG");
    put("folder.gguf/x", "x");
    (void)snprintf(name, sizeof(name), "%s/pipe.gguf", dir);
    assert_int_equal(mkfifo(name, 0600), 0);
    assert_int_equal(model_resolve(dir, str_of("text"), path, &err), ERR_INVALID);
    assert_int_equal(model_resolve(dir, str_of("cut"), path, &err), ERR_INVALID);
    assert_int_equal(model_resolve(dir, str_of("folder"), path, &err), ERR_INVALID);
    assert_int_equal(model_resolve(dir, str_of("pipe"), path, &err), ERR_INVALID);
    assert_int_equal(model_resolve("/nonexistent", str_of("x"), path, &err), ERR_SYSTEM);
}

static void the_list_has_what_can_be_resolved_in_order(void **state)
{
    struct model_list list, again;
    char text[256];
    struct err err;
    (void)state;

    put("zeta.gguf", "GGUF1234");
    put("alpha/m.gguf", "GGUF");
    put("alpha.gguf", "GGUF");
    put("org/name/model.gguf", "GGUF");
    put("text.gguf", "hello");
    put(".hidden.gguf", "GGUF");
    put("README", "x");
    put_link("self", ".");
    assert_int_equal(model_list_scan(dir, &list, &err), 0);
    model_list_text(&list, text, sizeof(text));
    for (size_t i = 0; i < list.len; i++) {
        char path[MODEL_PATH_SIZE];
        assert_int_equal(model_resolve(dir, str_of(list.entries[i].ref), path, &err), 0);
    }
    assert_true(list.len >= 3);
    assert_string_equal(list.entries[0].ref, "alpha");
    assert_string_equal(list.entries[1].ref, "org/name");
    assert_int_equal(list.entries[list.len - 1].size_bytes, 8);
    assert_string_equal(list.entries[list.len - 1].ref, "zeta");

    assert_int_equal(model_list_scan(dir, &again, &err), 0);
    assert_true(model_list_equal(&list, &again));
    model_list_free(&again);
    put("zeta.gguf", "GGUF12345");
    assert_int_equal(model_list_scan(dir, &again, &err), 0);
    assert_false(model_list_equal(&list, &again));
    model_list_free(&again);
    model_list_free(&list);
}

static void a_model_in_parts_is_as_large_as_all_of_them(void **state)
{
    struct model_list list;
    struct err err;
    (void)state;

    put("big/m-00001-of-00003.gguf", "GGUF");
    put("big/m-00002-of-00003.gguf", "GGUF5678");
    put("big/m-00003-of-00003.gguf", "GGUF56789");
    put("big/other.gguf", "GGUF, but another model");
    put("odd/m-00001-of-99999.gguf", "GGUF"); /* the others have not come yet */
    put("plain/m-0000x-of-00003.gguf", "GGUF");
    assert_int_equal(model_list_scan(dir, &list, &err), 0);
    assert_int_equal(list.len, 3);
    assert_string_equal(list.entries[0].ref, "big");
    assert_int_equal(list.entries[0].size_bytes, 4 + 8 + 9);
    assert_int_equal(list.entries[1].size_bytes, 4);
    assert_int_equal(list.entries[2].size_bytes, 4);
    model_list_free(&list);
    assert_resolves("big", "big/m-00001-of-00003.gguf");
}

static void the_list_says_how_long_a_context_may_be(void **state)
{
    /* Version 3, no tensors, two members. */
    static const char head[] = "GGUF\3\0\0\0\0\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0"
                               "\24\0\0\0\0\0\0\0general.architecture\10\0\0\0"
                               "\5\0\0\0\0\0\0\0llama"
                               "\24\0\0\0\0\0\0\0llama.context_length\4\0\0\0"
                               "\0\20\0\0";
    struct model_list list;
    struct err err;
    (void)state;

    put_bytes("m.gguf", head, sizeof(head) - 1);
    put("n.gguf", "GGUF");
    assert_int_equal(model_list_scan(dir, &list, &err), 0);
    assert_int_equal(list.len, 2);
    assert_int_equal(list.entries[0].context_length, 4096);
    assert_int_equal(list.entries[1].context_length, 0);
    model_list_free(&list);
}

static void long_lists_are_named_in_part(void **state)
{
    struct listed_model entries[7] = { { .ref = "a" }, { .ref = "b" }, { .ref = "c" },
                                       { .ref = "d" }, { .ref = "e" }, { .ref = "f" },
                                       { .ref = "g" } };
    char text[64];
    (void)state;

    model_list_text(&(struct model_list){ entries, 7 }, text, sizeof(text));
    assert_string_equal(text, "a, b, c, d, e and 2 more");
    model_list_text(&(struct model_list){ 0 }, text, sizeof(text));
    assert_string_equal(text, "none");
}

static void a_path_maps_back_to_its_reference(void **state)
{
    static const struct {
        const char *path, *ref;
    } rows[] = {
        { "tiny.gguf", "tiny" },
        { "org/name/a.gguf", "org/name" },
        { "org/name/b.gguf", "org/name/b" },
        { "../outside.gguf", NULL },
        { "absent.gguf", NULL },
    };
    char path[1024], ref[MODEL_REF_SIZE];
    (void)state;

    put("tiny.gguf", "GGUF");
    put("org/name/a.gguf", "GGUF");
    put("org/name/b.gguf", "GGUF");
    put("../outside.gguf", "GGUF");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", dir, rows[i].path);
        assert_int_equal(model_ref_of_path(dir, path, ref), rows[i].ref != NULL);
        if (rows[i].ref)
            assert_string_equal(ref, rows[i].ref);
    }
}

int main(void)
{
#define WITH_DIR(test) cmocka_unit_test_setup_teardown(test, make_dir, drop_dir)
    const struct CMUnitTest tests[] = {
        WITH_DIR(a_reference_is_a_file_or_the_first_in_a_directory),
        WITH_DIR(what_is_no_reference_is_refused_by_name),
        WITH_DIR(links_may_not_lead_out),
        WITH_DIR(what_is_no_model_is_refused),
        WITH_DIR(the_list_has_what_can_be_resolved_in_order),
        WITH_DIR(a_model_in_parts_is_as_large_as_all_of_them),
        WITH_DIR(the_list_says_how_long_a_context_may_be),
        cmocka_unit_test(long_lists_are_named_in_part),
        WITH_DIR(a_path_maps_back_to_its_reference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
