/* What the compiler says about sources that are wrong, and that it says all of it. */
#include "base/mem.h"
#include "rules/rules.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static int compile(const char *source, struct diagnostics *d)
{
    AUTO(script_lua_deinit) struct script_lua lua;
    struct str text = str_of(source);

    *d = (struct diagnostics){ 0 };
    script_lua_init(&lua);
    return script_check(SCRIPT_YAML, &text, d) ? rules_compile(text, &lua, d) : ERR_INVALID;
}

/* clang-format off */
#define RULE_WITH(condition, action) \
    "rules:\n" \
    "  - name: r\n" \
    "    condition: " condition "\n" \
    "    action: " action "\n"
#define CONDITION(text) RULE_WITH(text, "{wait: {}}")
#define ACTION(text) RULE_WITH("always", text)
/* clang-format on */

struct row {
    const char *source;
    unsigned line, column;
    const char *message;
};

static void check_rows(const struct row *rows, size_t len, bool is_warning)
{
    for (size_t i = 0; i < len; i++) {
        struct diagnostics d;
        int rc = compile(rows[i].source, &d);
        const struct diagnostic *first = &d.items[0];

        if ((rc == 0) != is_warning || d.len != 1 || first->is_warning != is_warning)
            fail_msg("%s\nrc %d, %zu diagnostics: %s", rows[i].source, rc, d.len, first->message);
        assert_string_equal(first->message, rows[i].message);
        if (first->line != rows[i].line || first->column != rows[i].column)
            fail_msg("%s: at %u:%u, expected %u:%u", first->message, first->line, first->column,
                     rows[i].line, rows[i].column);
    }
}

static void what_is_not_the_yaml_of_rules_is_refused_with_its_place(void **state)
{
    static const struct row rows[] = {
        { "a: [", 1, 5, "not YAML: while parsing a flow node did not find expected node content" },
        { "a: b\n  c: d\n", 2, 4, "not YAML: mapping values are not allowed in this context" },
        { "rules: *x\n", 1, 8, "aliases (*name) are not allowed; write the value out" },
        { "rules: &x []\n", 1, 8, "anchors (&name) and tags (!name) are not allowed" },
        { "rules: !!seq []\n", 1, 8, "anchors (&name) and tags (!name) are not allowed" },
        { "<<: {a: 1}\n", 1, 1, "merge keys (<<) are not allowed; write the members out" },
        { "[a]: b\n", 1, 1, "a key must be a plain text" },
        { "a: 1\n---\nb: 2\n", 2, 1, "only one document is allowed in a policy" },
        { "# nothing\n", 1, 1, "there is only a comment here; a policy has rules" },
        { "rules: \"a\\0b\"\n", 1, 8, "a NUL character (\\0) is not allowed in a text" },
        { "rules: a\n\tb: c\n", 2, 1,
          "not YAML: while scanning a plain scalar found a tab character that violates "
          "indentation" },
        { "- a\n", 1, 1, "a policy begins with 'rules:' or 'scheduler:'" },
        { "rules: {}\n", 1, 8, "rules must be a list of at least one rule" },
        { "rules: []\n", 1, 8, "rules must be a list of at least one rule" },
        { "scheduler: {name: x}\n", 1, 12,
          "rules is missing; for example rules: [{name: ..., condition: ..., action: ...}]" },
        { "scheduler: x\n", 1, 12, "scheduler must be a mapping with name and rules" },
    };
    (void)state;

    check_rows(rows, sizeof(rows) / sizeof(rows[0]), false);
}

static void wrong_conditions_are_told_with_their_place_and_a_way_out(void **state)
{
    static const struct row rows[] = {
        { CONDITION("{job.seed: {exits: true}}"), 3, 28,
          "rules[0].condition: unknown operator 'exits'; did you mean 'exists'?" },
        { CONDITION("{job.seed: {}}"), 3, 27,
          "rules[0].condition: an operator is missing; for example {exists: true}" },
        { CONDITION("{job.seed: {exists: 1}}"), 3, 36,
          "rules[0].condition: exists takes true or false" },
        { CONDITION("{job.seed: [1, 2]}"), 3, 27,
          "rules[0].condition: expected a text, a number, true or false, not a list; for one of "
          "several write {in: [a, b]}" },
        { CONDITION("{job.seed: {in: 1}}"), 3, 32,
          "rules[0].condition: in takes a list: {in: [a, b]}" },
        { CONDITION("{job.seed: {in: [[1]]}}"), 3, 33,
          "rules[0].condition: in takes texts, numbers, true and false, not a list" },
        { CONDITION("{job.seed: {lt: true}}"), 3, 32,
          "rules[0].condition: less and greater need a number or a text" },
        { CONDITION("{job.id: {contains: null}}"), 3, 36,
          "rules[0].condition: contains takes a text or number" },
        { CONDITION("{job.id: {matches: a*b*c*d*e*}}"), 3, 35,
          "rules[0].condition: matches takes at most 4 '*'" },
        { CONDITION("{priority: batch}"), 3, 17,
          "rules[0].condition: unknown condition 'priority'; a path begins with job, worker, "
          "pool, tenant, metrics or time; did you mean 'job.priority'?" },
        { CONDITION("{jobs.priority: batch}"), 3, 17,
          "rules[0].condition: unknown condition 'jobs.priority'; a path begins with job, worker, "
          "pool, tenant, metrics or time; did you mean 'job.priority'?" },
        { CONDITION("{job..priority: batch}"), 3, 17,
          "rules[0].condition: 'job..priority' is no path; write at most 128 bytes of fields with "
          "dots between" },
        { CONDITION("{model_contain: 70b}"), 3, 17,
          "rules[0].condition: unknown condition 'model_contain'; a path begins with job, worker, "
          "pool, tenant, metrics or time; did you mean 'model_contains'?" },
        { CONDITION("allways"), 3, 16,
          "rules[0].condition: a condition is 'always', true or a mapping of tests, not "
          "'allways'; did you mean 'always'?" },
        { CONDITION("false"), 3, 16,
          "rules[0].condition: this condition never holds; to switch a rule off write mode: off" },
        { CONDITION("{}"), 3, 16,
          "rules[0].condition: expected a condition such as {job.priority: batch}, not an empty "
          "mapping" },
        { CONDITION("{any: {job.id: a}}"), 3, 22,
          "rules[0].condition: any takes a list of conditions" },
        { CONDITION("{time.hour: 24}"), 3, 28,
          "rules[0].condition: time.hour is a whole number from 0 to 23" },
        { CONDITION("{time.weekday: someday}"), 3, 31,
          "rules[0].condition: 'someday' is no weekday; write mon to sun, or 0 to 7" },
        { CONDITION("{time.hours: 3}"), 3, 17,
          "rules[0].condition: time has hour, minute and weekday, not 'hours'; did you mean "
          "'hour'?" },
        { CONDITION("{time.hour: {exists: true}}"), 3, 37,
          "rules[0].condition: time is compared by eq, ne, lt, le, gt, ge or in" },
    };
    (void)state;

    check_rows(rows, sizeof(rows) / sizeof(rows[0]), false);
}

static void wrong_actions_are_told_with_their_place_and_a_way_out(void **state)
{
    static const struct row rows[] = {
        { ACTION("{dispach: {}}"), 4, 14,
          "rules[0].action: unknown action 'dispach'; did you mean 'dispatch'?" },
        { ACTION("wait"), 4, 13,
          "rules[0].action: an action is a mapping with one of dispatch, select, wait, evict, "
          "start_worker, reject, use" },
        { ACTION("{dispatch: {worker_selection: least-loded}}"), 4, 43,
          "rules[0].action: unknown worker_selection 'least-loded'; did you mean "
          "'least-loaded'?" },
        { ACTION("{dispatch: {selection: first}}"), 4, 25,
          "rules[0].action: unknown key 'selection'" },
        { ACTION("{dispatch: {model_match: some}}"), 4, 38,
          "rules[0].action: model_match must be required or any" },
        { ACTION("{dispatch: first}"), 4, 24,
          "rules[0].action: dispatch takes a mapping of its members, not a text" },
        { ACTION("{dispatch: {filter: 'gpus = 2'}}"), 4, 39,
          "rules[0].action: to compare write ==" },
        { ACTION("{wait: {duration_ms: 1.5}}"), 4, 34,
          "rules[0].action: duration_ms must be a whole number from 0 to 86400000" },
        { ACTION("{evict: {kind: fifo}}"), 4, 28,
          "rules[0].action: kind must be lru, lfu or gdsf" },
        { ACTION("{evict: {}}"), 4, 21, "rules[0].action: evict takes either worker_id or kind" },
        { ACTION("{start_worker: {gpu_id: gpu0}}"), 4, 37,
          "rules[0].action: gpu_id must be a whole number from 0 to 255" },
        { ACTION("{reject: {}}"), 4, 22,
          "rules[0].action: code is missing; for example code: no_gpu_for_this" },
        { ACTION("{reject: {code: 'No!'}}"), 4, 29,
          "rules[0].action: code takes a-z, 0-9 and _, at most 63 of them" },
        { ACTION("{reject: {code: busy, status: 200}}"), 4, 43,
          "rules[0].action: status must be 403, 429, 503 or 504" },
        { ACTION("{use: my-scheduler}"), 4, 19, "rules[0].action: use must be platform-scheduler" },
    };
    (void)state;

    check_rows(rows, sizeof(rows) / sizeof(rows[0]), false);
}

static void mistakes_inside_a_select_are_told_at_the_character(void **state)
{
    static const struct row rows[] = {
        { ACTION("{select: \"worker.first()\"}"), 4, 23,
          "rules[0].action: a select begins with 'workers'" },
        { ACTION("{select: \"workers.fist()\"}"), 4, 31,
          "rules[0].action: unknown method 'fist'; did you mean 'first'?" },
        { ACTION("{select: \"workers.idle()\"}"), 4, 37,
          "rules[0].action: this gives many workers; end with one, such as .first()" },
        { ACTION("{select: \"workers.first().idle()\"}"), 4, 38,
          "rules[0].action: nothing can follow: the method before gave one worker" },
        { ACTION("{select: \"workers.len()\"}"), 4, 31,
          "rules[0].action: len() gives no worker; a select ends with one" },
        { ACTION("{select: \"workers\"}"), 4, 30,
          "rules[0].action: expected a method, such as .first()" },
        { ACTION("{select: \"workers.filter(gpus > ).first()\"}"), 4, 45,
          "rules[0].action: expected a number, a 'text', true or false" },
        { ACTION("{select: \"workers.filter(gpus > 1.first()\"}"), 4, 45,
          "rules[0].action: this is no number" },
        { ACTION("{select: \"workers.filter(gpus > 1\"}"), 4, 46, "rules[0].action: expected ')'" },
        { ACTION("{select: \"workers.filter(backend == 'cuda).first()\"}"), 4, 49,
          "rules[0].action: this string does not end; its closing quote is missing" },
        { ACTION("{select: 'workers.filter(backend == ''cuda'' gpus).first()'}"), 4, 58,
          "rules[0].action: expected ')'" },
        { ACTION("{select: workers.min_by(5)}"), 4, 37,
          "rules[0].action: expected the name of a field, such as min_by(cost_per_token)" },
        { ACTION("{select: workers.min_by(job.id)}"), 4, 37,
          "rules[0].action: expected a field of the workers" },
        { ACTION("{select: \"workers.take('3').first()\"}"), 4, 36,
          "rules[0].action: expected a number" },
        { ACTION("{select: \"workers.with_label('tier').first()\"}"), 4, 48,
          "rules[0].action: expected two texts: ('tier', 'fast')" },
        { ACTION("{select: \"workers.with_model.first()\"}"), 4, 41,
          "rules[0].action: expected '(' and an argument" },
        { ACTION("{select: \"workers.filter(1 > gpus).first()\"}"), 4, 38,
          "rules[0].action: expected the name of a worker's field, such as gpus" },
        { ACTION("{select: {a: 1}}"), 4, 22,
          "rules[0].action: select must be a text, not a "
          "mapping" },
    };
    (void)state;

    check_rows(rows, sizeof(rows) / sizeof(rows[0]), false);
}

static void wrong_rules_are_told_by_their_keys(void **state)
{
    static const struct row rows[] = {
        { "rules:\n  - x\n", 2, 5,
          "rules[0]: a rule must be a mapping with name, condition and action" },
        { "rules:\n  - {condition: true, action: {wait: {}}}\n", 2, 5,
          "rules[0]: name is missing; for example name: large models" },
        { "rules:\n  - {name: a, action: {wait: {}}}\n", 2, 5,
          "rules[0]: condition is missing; for example condition: always" },
        { "rules:\n  - {name: a, condition: true}\n", 2, 5,
          "rules[0]: action is missing; for example action: {use: platform-scheduler}" },
        { "rules:\n  - {name: a, conditon: 1, condition: true, action: {wait: {}}}\n", 2, 15,
          "rules[0]: unknown key 'conditon'; did you mean 'condition'?" },
        { "rules:\n  - {name: a, mode: shado, condition: true, action: {wait: {}}}\n", 2, 21,
          "rules[0]: mode must be enforce, shadow or off; did you mean 'shadow'?" },
        { "rules:\n  - {name: [a], condition: true, action: {wait: {}}}\n", 2, 12,
          "rules[0]: name must be a text, not a list" },
        { "rules:\n  - {name: a, condition: true,\n     name: b, action: {wait: {}}}\n", 3, 6,
          "'name' stands twice in one mapping; first on line 2" },
        { "scheduler:\n  rule: 1\n  rules:\n"
          "  - {name: a, priority: high, condition: true, action: {wait: {}}}\n",
          2, 3, "unknown key 'rule'; did you mean 'rules'?" },
    };
    struct diagnostics d;
    (void)state;

    check_rows(rows, 8, false);
    assert_int_equal(compile(rows[8].source, &d), ERR_INVALID);
    assert_int_equal(d.errors, 2);
    assert_string_equal(d.items[0].message, rows[8].message);
    assert_string_equal(d.items[1].message,
                        "rules[0]: priority must be a whole number from -1000000 to 1000000");
    assert_string_equal(d.items[1].rule, "a");
}

static void what_may_be_meant_but_is_odd_is_a_warning(void **state)
{
    static const struct row rows[] = {
        { CONDITION("{job.modle_ref: x}"), 3, 17,
          "rules[0].condition: unknown field 'job.modle_ref'; did you mean 'model_ref'?" },
        { CONDITION("{job.labels.paid: yes}"), 3, 34,
          "rules[0].condition: 'yes' is a text here; write true, false or null, or quote it" },
        { CONDITION("{job.priority: bach}"), 3, 31,
          "rules[0].condition: job.priority is never 'bach'; did you mean 'batch'?" },
        { ACTION("{dispatch: {model_match: any}}"), 4, 38,
          "rules[0].action: model_match: any is the same as required: a worker answers with the "
          "model it has, so a job never goes to another" },
        { ACTION("{select: workers.filter(gpu > 1).first()}"), 4, 37,
          "rules[0].action: unknown field 'worker.gpu'; did you mean 'gpus'?" },
        { "rules:\n- {name: a, condition: true, action: {wait: {}}}\n"
          "- {name: b, condition: true, action: {wait: {}}}\n",
          3, 3, "no job reaches this rule: 'a', which always decides, comes before it" },
        { "rules:\n- {name: a, condition: {job.id: x}, action: {wait: {}}, priority: 3}\n", 2, 67,
          "priority counts under 'scheduler:' only; here rules are in file order" },
    };
    (void)state;

    check_rows(rows, sizeof(rows) / sizeof(rows[0]), true);
}

static void all_mistakes_are_told_at_once_with_the_names_of_their_rules(void **state)
{
    static const char source[] = "scheduler:\n"
                                 "  rules:\n"
                                 "    - name: first\n"
                                 "      condition: {job.seed: {exits: true}, foo: 1}\n"
                                 "      action: {dispatch: {worker_selection: bset}}\n"
                                 "    - name: second\n"
                                 "      condition: always\n"
                                 "      action: {reject: {code: NO, status: 1}}\n";
    struct diagnostics d;
    (void)state;

    assert_int_equal(compile(source, &d), ERR_INVALID);
    assert_int_equal(d.errors, 5);
    assert_string_equal(d.items[0].rule, "first");
    assert_string_equal(d.items[2].rule, "first");
    assert_string_equal(d.items[4].rule, "second");
    assert_int_equal(d.items[4].line, 8);
}

/* `count` times `text`, after `head` and before `tail`. */
static char *repeat(const char *head, const char *text, size_t count, const char *tail)
{
    struct buf out;

    buf_init(&out, SCRIPT_BYTES_MAX);
    (void)buf_puts(&out, head);
    for (size_t i = 0; i < count; i++)
        (void)buf_puts(&out, text);
    (void)buf_puts(&out, tail);
    assert_false(out.overflowed);
    (void)buf_cstr(&out);
    return buf_take(&out, &(size_t){ 0 });
}

static void hostile_sources_end_soon_with_one_clear_error(void **state)
{
    static const struct {
        const char *head, *text;
        size_t count;
        const char *tail, *message;
    } rows[] = {
        { "rules: ", "[", 200000, "", "nested too deep; at most 32 levels are allowed" },
        { "rules: ", "{a: ", 60000, "", "nested too deep; at most 32 levels are allowed" },
        { "rules: ", "- ", 100000, "", NULL },
        { "rules: [", "a,", 100000, "]", "too many values for one policy; at most 32768 are read" },
        { "rules: {", "? a\n", 60000, "}", NULL },
        { "", "a: &a [*a, *a]\n", 1000, "", "anchors (&name) and tags (!name) are not allowed" },
        { "rules:\n", "- {name: a, condition: true, action: {wait: {}}}\n", 1001, "",
          "1001 rules; at most 1000 are allowed" },
        { "rules:\n- {name: a, condition: true, action: {select: '", "workers.idle", 9000, "'}}\n",
          "rules[0].action: unknown method 'idleworkers'" },
        { "rules:\n- {name: a, condition: true, action: {select: 'workers", ".idle()", 9000,
          "'}}\n", "rules[0].action: too many methods; at most 64 are allowed" },
        { "rules:\n- {name: a, condition: true, action: {select: 'workers.filter(", "(", 100000,
          "'}}\n", "rules[0].action: nested too deep; at most 32 levels are allowed" },
        { "rules:\n- {name: a, condition: true, action: {select: 'workers.filter(", "!", 100000,
          "'}}\n", "rules[0].action: nested too deep; at most 32 levels are allowed" },
        { "rules:\n- {name: a, condition: true, action: {dispatch: {filter: '", "gpus||", 40000,
          "'}}}\n", "rules[0].action: too many comparisons; at most 256 are allowed" },
        { "rules:\n- {name: '", "x", 101, "', condition: true, action: {wait: {}}}\n",
          "rules[0]: name is too long; at most 100 bytes are allowed" },
        { "rules:\n- {name: a, condition: {job.", "x.x", 100, ": 1}, action: {wait: {}}}\n", NULL },
        { "rules:\n- {name: a, condition: {job.id: {in: [", "x,", 65, "]}}, action: {wait: {}}}\n",
          "rules[0].condition: in takes at most 64 values" },
    };
    (void)state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        AUTO(free_ptr)
        char *source = repeat(rows[i].head, rows[i].text, rows[i].count, rows[i].tail);
        struct diagnostics d;

        assert_int_equal(compile(source, &d), ERR_INVALID);
        assert_true(d.errors > 0);
        if (rows[i].message)
            assert_string_equal(d.items[0].message, rows[i].message);
    }
}

static void many_keys_in_one_mapping_are_refused(void **state)
{
    struct diagnostics d;
    struct buf out;
    (void)state;

    buf_init(&out, SCRIPT_BYTES_MAX);
    for (int i = 0; i < 20000; i++)
        (void)buf_printf(&out, "k%d: 1\n", i);
    assert_int_equal(compile(buf_cstr(&out), &d), ERR_INVALID);
    assert_string_equal(d.items[0].message,
                        "too many members in one mapping; at most 256 are allowed");
    assert_int_equal(d.items[0].line, 257);
    buf_deinit(&out);
}

static void more_lua_than_may_be_is_an_error(void **state)
{
    struct diagnostics d;
    struct buf out;
    (void)state;

    /* Each value repeats the long path it is compared with. */
    buf_init(&out, SCRIPT_BYTES_MAX);
    (void)buf_puts(&out, "rules:\n");
    for (int i = 0; i < 600; i++) {
        (void)buf_puts(&out, "- {name: a, action: {wait: {}}, condition: {job.user.");
        for (int k = 0; k < 50; k++)
            (void)buf_puts(&out, "x.");
        (void)buf_puts(&out, "y: {in: [");
        for (int k = 0; k < 33; k++)
            (void)buf_puts(&out, "1,");
        (void)buf_puts(&out, "]}}}\n");
    }
    assert_false(out.overflowed);
    assert_int_equal(compile(buf_cstr(&out), &d), ERR_INVALID);
    assert_int_equal(d.warnings, 600);
    assert_int_equal(d.errors, 1); /* told, for all the warnings */
    assert_string_equal(d.items[d.len - 1].message,
                        "the rules become more than 4194304 bytes of Lua; write fewer");
    buf_deinit(&out);
}

static void every_line_of_lua_names_a_line_of_its_rule(void **state)
{
    static const char source[] = "rules:\n"
                                 "  - name: first\n"
                                 "    condition: {job.seed: 1}\n"
                                 "    action: {wait: {}}\n"
                                 "  - name: second\n"
                                 "    condition: always\n"
                                 "    action: {select: workers.first()}\n";
    static const char *const expected = "-- Compiled from YAML rules.\n"
                                        "\n"
                                        "function schedule_job(job, pools, workers)\n"
                                        "  -- Rule: first\n"
                                        "  if job.seed == 1 then\n"
                                        "    return wait(\"first\")\n"
                                        "  end\n"
                                        "\n"
                                        "  -- Rule: second\n";
    static const unsigned lines[] = { 2, 2, 2, 2, 2, 2, 2, 5, 5, 5, 5, 2 };
    AUTO(script_lua_deinit) struct script_lua lua;
    struct diagnostics d = { 0 };
    (void)state;

    script_lua_init(&lua);
    assert_int_equal(rules_compile(str_of(source), &lua, &d), 0);
    assert_true(str_starts(buf_str(&lua.text), expected));
    assert_int_equal(lua.line_map_len, sizeof(lines) / sizeof(lines[0]));
    assert_memory_equal(lua.line_map, lines, sizeof(lines));
}

static void the_header_is_the_schedulers(void **state)
{
    static const char source[] = "scheduler:\n"
                                 "  name: night shift\n"
                                 "  version: 1.2\n"
                                 "  description: \"batch\\nby night\"\n"
                                 "  rules: [{name: a, condition: true, action: {wait: {}}}]\n";
    AUTO(script_lua_deinit) struct script_lua lua;
    struct script_header header;
    struct diagnostics d = { 0 };
    (void)state;

    script_lua_init(&lua);
    assert_int_equal(rules_compile(str_of(source), &lua, &d), 0);
    assert_string_equal(lua.header.name, "night shift");
    assert_string_equal(lua.header.version, "1.2");
    script_header_read(buf_str(&lua.text), "--", &header); /* and stays so when taken as Lua */
    assert_string_equal(header.name, "night shift");
    assert_string_equal(header.version, "1.2");
    assert_string_equal(header.description, "batch by night");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_the_yaml_of_rules_is_refused_with_its_place),
        cmocka_unit_test(wrong_conditions_are_told_with_their_place_and_a_way_out),
        cmocka_unit_test(wrong_actions_are_told_with_their_place_and_a_way_out),
        cmocka_unit_test(mistakes_inside_a_select_are_told_at_the_character),
        cmocka_unit_test(wrong_rules_are_told_by_their_keys),
        cmocka_unit_test(what_may_be_meant_but_is_odd_is_a_warning),
        cmocka_unit_test(all_mistakes_are_told_at_once_with_the_names_of_their_rules),
        cmocka_unit_test(hostile_sources_end_soon_with_one_clear_error),
        cmocka_unit_test(many_keys_in_one_mapping_are_refused),
        cmocka_unit_test(more_lua_than_may_be_is_an_error),
        cmocka_unit_test(every_line_of_lua_names_a_line_of_its_rule),
        cmocka_unit_test(the_header_is_the_schedulers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
