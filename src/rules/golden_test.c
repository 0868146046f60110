/*
 * Each golden/NAME.yaml compiles to golden/NAME.lua, byte for byte. The folder is the
 * argument. With RULES_GOLDEN_WRITE set the Lua is written instead, to be read in the diff.
 */
#include "base/file.h"
#include "base/mem.h"
#include "rules/rules.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <limits.h>
#include <stdio.h>

static const char *folder;

static int is_yaml(const struct dirent *entry)
{
    const char *dot = strrchr(entry->d_name, '.');

    return dot && strcmp(dot, ".yaml") == 0;
}

static void path_of(char ret[PATH_MAX], const char *name, const char *ending)
{
    (void)snprintf(ret, PATH_MAX, "%s/%.*s%s", folder, (int)(strrchr(name, '.') - name), name,
                   ending);
}

static void compile_file(const char *path, struct script_lua *ret)
{
    AUTO(buf_deinit) struct buf source;
    struct diagnostics d = { 0 };
    struct err err;

    buf_init(&source, SCRIPT_BYTES_MAX);
    assert_int_equal(file_read(path, &source, &err), 0);
    if (rules_compile(buf_str(&source), ret, &d) < 0)
        fail_msg("%s:%u:%u: %s", path, d.items[0].line, d.items[0].column, d.items[0].message);
}

static void check_file(const char *name)
{
    AUTO(script_lua_deinit) struct script_lua lua;
    AUTO(buf_deinit) struct buf expected;
    char yaml_path[PATH_MAX], lua_path[PATH_MAX];
    struct err err;

    path_of(yaml_path, name, ".yaml");
    path_of(lua_path, name, ".lua");
    script_lua_init(&lua);
    compile_file(yaml_path, &lua);
    buf_init(&expected, SCRIPT_LUA_BYTES_MAX);
    if (getenv("RULES_GOLDEN_WRITE"))
        assert_int_equal(file_write_atomic(lua_path, buf_str(&lua.text), 0644, &err), 0);
    if (file_read(lua_path, &expected, &err) < 0)
        fail_msg("%s", err.msg);
    assert_string_equal(buf_cstr(&lua.text), buf_cstr(&expected));
}

static void samples_compile_to_the_lua_beside_them(void **state)
{
    struct dirent **entries;
    int count = scandir(folder, &entries, is_yaml, alphasort);

    (void)state;
    assert_true(count > 0);
    for (int i = 0; i < count; i++) {
        check_file(entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(samples_compile_to_the_lua_beside_them),
    };

    if (argc != 2)
        return 2;
    folder = argv[1];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
