/*
 * policies/rules.schema.json and the compiler know the same words. The schema's path is the
 * argument.
 */
#include "base/mem.h"
#include "rules/read.h"
#include "rules/rules.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <jansson.h>
#include <stdio.h>

static json_t *schema;

static json_t *definition(const char *name)
{
    json_t *found = json_object_get(json_object_get(schema, "$defs"), name);

    if (!found)
        fail_msg("the schema has no $defs/%s", name);
    return found;
}

static const char *word_at(const void *table, size_t row_size, size_t index)
{
    return *(const char *const *)(const void *)((const char *)table + index * row_size);
}

/* The definition's enum, and a table whose rows begin with a name, the last with NULL. */
static void check_enum(const char *name, const void *table, size_t row_size)
{
    json_t *words = json_object_get(definition(name), "enum");
    size_t i = 0;

    for (const char *word; (word = word_at(table, row_size, i)) != NULL; i++)
        assert_string_equal(json_string_value(json_array_get(words, i)), word);
    assert_int_equal(json_array_size(words), i);
}

#define CHECK_ENUM(name, table) check_enum(name, table, sizeof((table)[0]))

static void choices_are_the_compilers(void **state)
{
    (void)state;

    CHECK_ENUM("worker_selection", rule_selections);
    CHECK_ENUM("evict_kind", rule_evict_kinds);
    CHECK_ENUM("mode", rule_modes);
    CHECK_ENUM("weekday", rule_weekdays);
}

static void fields_are_the_compilers_and_each_can_be_tested(void **state)
{
    json_t *tests = json_object_get(definition("tests"), "properties");
    (void)state;

    for (const struct rule_word *subject = rule_subjects; subject->name; subject++) {
        const char *const *fields = rule_fields[subject->value];
        char name[64];

        (void)snprintf(name, sizeof(name), "%s_field", subject->name);
        check_enum(name, fields, sizeof(fields[0]));
        for (; *fields; fields++) {
            (void)snprintf(name, sizeof(name), "%s.%s", subject->name, *fields);
            if (!strchr(name, '*') && !json_object_get(tests, name))
                fail_msg("the schema's tests lack %s", name);
        }
    }
}

static void methods_are_those_that_end_with_a_worker(void **state)
{
    json_t *words = json_object_get(definition("select_method"), "enum");
    size_t len = 0;
    (void)state;

    for (const struct rule_method *m = rule_methods; m->name; m++) {
        if (m->gives != RULE_GIVES_OTHER)
            assert_string_equal(json_string_value(json_array_get(words, len++)), m->name);
    }
    assert_int_equal(json_array_size(words), len);
}

static void operators_and_actions_are_the_compilers(void **state)
{
    json_t *operators = json_object_get(definition("operators"), "properties");
    json_t *actions = json_object_get(definition("action"), "properties");
    size_t len = 0;
    (void)state;

    for (const struct rule_word *op = rule_operators; op->name; op++, len++)
        assert_non_null(json_object_get(operators, op->name));
    assert_int_equal(json_object_size(operators), len);
    for (len = 0; rule_action_name(len); len++)
        assert_non_null(json_object_get(actions, rule_action_name(len)));
    assert_int_equal(json_object_size(actions), len);
}

/* Does the compiler know each member that the schema names, between `head` and `tail`? */
static void check_members(json_t *object, const char *head, const char *tail)
{
    const char *member;
    json_t *value;

    json_object_foreach(json_object_get(object, "properties"), member, value)
    {
        AUTO(script_lua_deinit) struct script_lua lua;
        struct diagnostics d = { 0 };
        char source[512];

        (void)snprintf(source, sizeof(source), "%s%s: null%s", head, member, tail);
        script_lua_init(&lua);
        assert_int_equal(rules_compile(str_of(source), &lua, &d),
                         ERR_INVALID); /* much is missing */
        for (size_t i = 0; i < d.len; i++) {
            if (strstr(d.items[i].message, "unknown key"))
                fail_msg("%s: %s", source, d.items[i].message);
        }
    }
}

static void every_member_in_the_schema_is_one_for_the_compiler(void **state)
{
    json_t *dialects = json_object_get(schema, "oneOf");
    json_t *scheduler =
        json_object_get(json_object_get(json_array_get(dialects, 0), "properties"), "scheduler");
    const char *action;
    json_t *members;
    (void)state;

    check_members(definition("rule"), "rules: [{", "}]");
    check_members(scheduler, "scheduler: {", "}");
    check_members(json_array_get(dialects, 1), "{rules: [], ", "}");
    json_object_foreach(json_object_get(definition("action"), "properties"), action, members)
    {
        char head[64];

        (void)snprintf(head, sizeof(head), "rules: [{action: {%s: {", action);
        check_members(members, head, "}}}]");
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(choices_are_the_compilers),
        cmocka_unit_test(fields_are_the_compilers_and_each_can_be_tested),
        cmocka_unit_test(methods_are_those_that_end_with_a_worker),
        cmocka_unit_test(operators_and_actions_are_the_compilers),
        cmocka_unit_test(every_member_in_the_schema_is_one_for_the_compiler),
    };

    schema = argc == 2 ? json_load_file(argv[1], JSON_REJECT_DUPLICATES, NULL) : NULL;
    if (!schema)
        return 2;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    json_decref(schema);
    return failed;
}
