/* Are the committed pages what the table gives? The folder is the one argument. */
#include "base/file.h"
#include "policy/api.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

enum { PAGE_BYTES_MAX = 1024 * 1024 };

static const char *folder;

static void expect_file(const char *name, struct buf *expected)
{
    char path[4096];
    struct buf have;
    struct err err = { 0 };

    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    buf_init(&have, PAGE_BYTES_MAX);
    if (file_read(path, &have, &err) < 0)
        fail_msg("%s", err.msg);
    if (strcmp(buf_cstr(&have), buf_cstr(expected)) != 0)
        fail_msg("%s is older than the table: api-reference page|json writes it anew", path);
    buf_deinit(&have);
    buf_deinit(expected);
}

static void the_page_is_what_the_table_gives(void **state)
{
    struct buf page;
    (void)state;

    buf_init(&page, PAGE_BYTES_MAX);
    api_reference_page(&page);
    expect_file("reference.md", &page);
}

static void the_json_for_editors_is_what_the_table_gives(void **state)
{
    struct buf text;
    struct json_out out;
    (void)state;

    buf_init(&text, PAGE_BYTES_MAX);
    json_out_init(&out, &text);
    api_reference_json(&out);
    (void)buf_putc(&text, '\n');
    expect_file("api.json", &text);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_page_is_what_the_table_gives),
        cmocka_unit_test(the_json_for_editors_is_what_the_table_gives),
    };

    folder = argc > 1 ? argv[1] : ".";
    return cmocka_run_group_tests_name("reference", tests, NULL, NULL);
}
