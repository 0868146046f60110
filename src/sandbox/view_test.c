#include "sandbox/view.h"

#include "snapshot/snapshot.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static struct region *make_region(void)
{
    return region_new(sizeof(struct snapshot), 1 << 20, NULL);
}

static void put_text(struct region *r, size_t off, const char *text)
{
    region_put(r, off, text, strlen(text) + 1);
}

static const char *text_at(const struct view *v, size_t off)
{
    return (const char *)v->memory + off;
}

static void changes_are_copied_and_other_regions_replace_all(void **state)
{
    enum { NEAR = 100, FAR = 40 * 1024 * 1024 };
    struct region *one = make_region(), *another = make_region();
    struct view v;
    struct err err;

    (void)state;
    assert_int_equal(view_open(&v, &err), 0);
    put_text(one, NEAR, "near");
    put_text(one, FAR, "far");
    view_update(&v, one, true);
    assert_string_equal(text_at(&v, NEAR), "near");
    assert_string_equal(text_at(&v, FAR), "far");
    put_text(one, NEAR, "here");
    view_update(&v, one, true);
    assert_string_equal(text_at(&v, NEAR), "here");
    assert_string_equal(text_at(&v, FAR), "far");

    put_text(another, NEAR + 8, "other");
    view_update(&v, another, false);
    assert_string_equal(text_at(&v, NEAR), "");
    assert_string_equal(text_at(&v, NEAR + 8), "other");
    assert_string_equal(text_at(&v, FAR), "");

    view_update(&v, one, false);
    assert_string_equal(text_at(&v, NEAR), "here");
    assert_string_equal(text_at(&v, NEAR + 8), "");
    assert_string_equal(text_at(&v, FAR), "far");
    view_close(&v);
    region_free(one);
    region_free(another);
}

static void what_was_never_written_costs_no_memory(void **state)
{
    struct region *r = make_region();
    struct stat st;
    struct view v;
    struct err err;

    (void)state;
    assert_int_equal(view_open(&v, &err), 0);
    put_text(r, 0, "first page");
    view_update(&v, r, false);
    put_text(r, sizeof(struct snapshot) - 16, "last page");
    view_update(&v, r, false);
    assert_int_equal(fstat(v.fd, &st), 0);
    assert_true(st.st_blocks * 512 <= 4 * 4096);
    view_close(&v);
    region_free(r);
}

static void nobody_else_can_write_or_resize_it(void **state)
{
    struct view v;
    struct err err;

    (void)state;
    assert_int_equal(view_open(&v, &err), 0);
    assert_ptr_equal(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, v.fd, 0), MAP_FAILED);
    assert_int_equal(errno, EPERM);
    assert_int_equal(pwrite(v.fd, "x", 1, 0), -1);
    assert_int_equal(ftruncate(v.fd, 1), -1);
    assert_int_equal(ftruncate(v.fd, 1 << 30), -1);
    void *reading = mmap(NULL, 4096, PROT_READ, MAP_SHARED, v.fd, 0);
    assert_ptr_not_equal(reading, MAP_FAILED);
    assert_int_equal(mprotect(reading, 4096, PROT_READ | PROT_WRITE), -1);
    (void)munmap(reading, 4096);
    view_close(&v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(changes_are_copied_and_other_regions_replace_all),
        cmocka_unit_test(what_was_never_written_costs_no_memory),
        cmocka_unit_test(nobody_else_can_write_or_resize_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
