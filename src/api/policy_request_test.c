#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/policy_replay.h"
#include "api/policy_request.h"

#include <stdio.h>
#include <string.h>

static int read_text(enum admin_call call, const char *body, struct policy_request *ret,
                     struct err *err)
{
    return policy_request_read(call, str_of(body), false, ret, err);
}

/* Is refused with this code and names this field. */
static void refused(enum admin_call call, const char *body, int code, const char *param)
{
    struct policy_request r;
    struct err err = { 0 };

    if (read_text(call, body, &r, &err) != code || strcmp(err.param, param) != 0 || !err.msg[0])
        fail_msg("%s: %s, param '%s': %s", body, err_name(err.code), err.param, err.msg);
}

static void each_call_takes_its_own_fields_and_no_others(void **state)
{
    static const struct {
        enum admin_call call;
        const char *body, *param;
    } cases[] = {
        { CALL_VALIDATE, "{\"language\":\"lua\",\"source\":\"x\",\"name\":\"home\"}", "name" },
        { CALL_COMPILE, "{\"language\":\"lua\",\"source\":\"x\",\"calls\":1}", "calls" },
        { CALL_SIMULATE, "{\"language\":\"lua\",\"source\":\"x\",\"nmae\":1}", "nmae" },
        { CALL_DEPLOY, "{\"name\":\"a\",\"language\":\"lua\",\"source\":\"x\",\"context\":{}}",
          "context" },
        { CALL_ROLLBACK, "{\"name\":\"a\",\"version\":1,\"force\":true}", "force" },
        { CALL_REPLAY, "{\"decision_id\":1,\"policy\":\"a\",\"name\":\"a\"}", "name" },
        { CALL_VALIDATE, "{\"operation\":\"policy_test\"}", "operation" },
    };
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        refused(cases[i].call, cases[i].body, ERR_INVALID, cases[i].param);
}

static void what_is_missing_is_named(void **state)
{
    static const struct {
        enum admin_call call;
        const char *body, *param;
    } cases[] = {
        { CALL_VALIDATE, "{}", "language" },
        { CALL_VALIDATE, "{\"language\":\"lua\"}", "source" },
        { CALL_VALIDATE, "{\"language\":null,\"source\":\"x\"}", "language" },
        { CALL_SIMULATE, "{\"source\":\"x\"}", "language" },
        { CALL_SIMULATE, "{\"version\":2}", "policy" },
        { CALL_DEPLOY, "{\"language\":\"lua\",\"source\":\"x\"}", "name" },
        { CALL_ROLLBACK, "{\"version\":2}", "name" },
        { CALL_ROLLBACK, "{\"name\":\"home\"}", "version" },
        { CALL_REPLAY, "{\"decision_id\":1}", "policy" },
        { CALL_REPLAY, "{\"policy\":\"home\"}", "decision_id" },
        { CALL_REPLAY, "{\"policy\":\"home\",\"from\":1}", "to" },
        { CALL_REPLAY, "{\"policy\":\"home\",\"to\":1}", "from" },
        { CALL_GET, "{}", "name" },
    };
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        refused(cases[i].call, cases[i].body, ERR_MISSING, cases[i].param);
}

static void wrong_values_are_refused_by_name(void **state)
{
    static const struct {
        enum admin_call call;
        const char *body, *param;
    } cases[] = {
        { CALL_VALIDATE, "{\"language\":\"perl\",\"source\":\"x\"}", "language" },
        { CALL_VALIDATE, "{\"language\":\"lua\",\"source\":7}", "source" },
        { CALL_SIMULATE, "{\"language\":\"lua\",\"source\":\"x\",\"calls\":0}", "calls" },
        { CALL_SIMULATE, "{\"language\":\"lua\",\"source\":\"x\",\"calls\":1001}", "calls" },
        { CALL_SIMULATE, "{\"language\":\"lua\",\"source\":\"x\",\"context\":[]}", "context" },
        { CALL_SIMULATE, "{\"language\":\"lua\",\"source\":\"x\",\"policy\":\"a\"}", "policy" },
        { CALL_DEPLOY, "{\"name\":\"../a\",\"language\":\"lua\",\"source\":\"x\"}", "name" },
        { CALL_DEPLOY, "{\"name\":\"\",\"language\":\"lua\",\"source\":\"x\"}", "name" },
        { CALL_DEPLOY, "{\"name\":\"a\",\"language\":\"lua\",\"source\":\"x\",\"mode\":\"canary\"}",
          "mode" },
        { CALL_ROLLBACK, "{\"name\":\"a\",\"version\":0}", "version" },
        { CALL_ROLLBACK, "{\"name\":\"a\",\"version\":\"1\"}", "version" },
        { CALL_REPLAY, "{\"policy\":\"a\",\"decision_id\":1,\"from\":1}", "decision_id" },
        { CALL_REPLAY, "{\"policy\":\"a\",\"from\":5,\"to\":4}", "to" },
        { CALL_REPLAY, "{\"policy\":\"a\",\"from\":1,\"to\":10001}", "to" },
    };
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        refused(cases[i].call, cases[i].body, ERR_INVALID, cases[i].param);
}

static void what_is_no_json_is_said_to_be_none(void **state)
{
    static const char *const bodies[] = { "", "hello", "{\"language\":", "{}{}" };
    (void)state;

    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++)
        refused(CALL_VALIDATE, bodies[i], ERR_JSON, "");
    refused(CALL_VALIDATE, "[]", ERR_INVALID, "");
}

static void a_whole_simulation_is_read(void **state)
{
    struct policy_request r;
    struct err err;
    (void)state;

    assert_int_equal(read_text(CALL_SIMULATE,
                               "{\"language\":\"rhai\",\"source\":\"a\\nb\",\"calls\":7,"
                               "\"context\": {\"queue\":[]} }",
                               &r, &err),
                     0);
    assert_true(r.has_source && r.language == SCRIPT_RHAI && r.calls == 7);
    assert_true(str_eq(r.source, "a\nb") && str_eq(r.context, "{\"queue\":[]}"));
    policy_request_free(&r);
    assert_int_equal(read_text(CALL_SIMULATE, "{\"policy\":\"home\",\"version\":3}", &r, &err), 0);
    assert_true(!r.has_source && r.version == 3 && r.calls == 1 && !r.context.p);
    assert_string_equal(r.name, "home");
    policy_request_free(&r);
}

/* Whether it can be run is for the host to say: the text comes through whole. */
static void a_source_may_hold_a_nul_or_nothing(void **state)
{
    struct policy_request r;
    struct err err;
    (void)state;

    assert_int_equal(
        read_text(CALL_VALIDATE, "{\"language\":\"lua\",\"source\":\"a\\u0000b\"}", &r, &err), 0);
    assert_int_equal(r.source.len, 3);
    assert_memory_equal(r.source.p, "a\0b", 3);
    policy_request_free(&r);
    assert_int_equal(read_text(CALL_VALIDATE, "{\"language\":\"lua\",\"source\":\"\"}", &r, &err),
                     0);
    assert_true(r.has_source && r.source.len == 0);
    policy_request_free(&r);
}

static void going_back_to_a_built_in_policy_needs_no_version(void **state)
{
    struct policy_request r;
    struct err err;
    (void)state;

    assert_int_equal(read_text(CALL_ROLLBACK, "{\"name\":\"platform\"}", &r, &err), 0);
    policy_request_free(&r);
}

static void an_operation_may_say_more_and_old_ones_mean_rhai(void **state)
{
    static const char body[] = "{\"operation\":\"rhai_script_save\",\"name\":\"a\","
                               "\"source\":\"fn x() {}\",\"editor\":\"vi\"}";
    struct policy_request r;
    struct err err;
    (void)state;

    assert_int_equal(policy_request_read(CALL_DEPLOY, str_of(body), true, &r, &err), 0);
    assert_int_equal(r.language, SCRIPT_RHAI);
    policy_request_free(&r);
}

static void decisions_are_the_same_when_they_do_the_same(void **state)
{
    static const struct {
        const char *was, *would_be;
        bool is_same;
    } cases[] = {
        { "{\"action\":\"wait\",\"reason\":\"a\"}", "{\"action\":\"wait\",\"reason\":\"b\"}",
          true },
        { "{\"action\":\"wait\",\"job_id\":\"j\"}", "{\"action\":\"wait\"}", true },
        { "{\"action\":\"dispatch\",\"job_id\":\"j\",\"worker_id\":\"a\"}",
          "{\"action\":\"dispatch\",\"job_id\":\"j\",\"worker_id\":\"a\",\"reason\":\"x\"}", true },
        { "{\"action\":\"dispatch\",\"job_id\":\"j\",\"worker_id\":\"a\"}",
          "{\"action\":\"dispatch\",\"job_id\":\"j\",\"worker_id\":\"b\"}", false },
        { "{\"action\":\"batch\",\"actions\":[{\"action\":\"evict\",\"worker_id\":\"a\"}]}",
          "{\"action\":\"batch\",\"actions\":[{\"action\":\"evict\",\"worker_id\":\"b\"}]}",
          false },
        { "{\"action\":\"batch\",\"actions\":[{\"action\":\"wait\",\"reason\":\"x\"}]}",
          "{\"action\":\"batch\",\"actions\":[{\"action\":\"wait\"}]}", true },
    };
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (replay_is_same(str_of(cases[i].was), str_of(cases[i].would_be)) != cases[i].is_same)
            fail_msg("%s / %s", cases[i].was, cases[i].would_be);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_call_takes_its_own_fields_and_no_others),
        cmocka_unit_test(what_is_missing_is_named),
        cmocka_unit_test(wrong_values_are_refused_by_name),
        cmocka_unit_test(what_is_no_json_is_said_to_be_none),
        cmocka_unit_test(a_whole_simulation_is_read),
        cmocka_unit_test(a_source_may_hold_a_nul_or_nothing),
        cmocka_unit_test(going_back_to_a_built_in_policy_needs_no_version),
        cmocka_unit_test(an_operation_may_say_more_and_old_ones_mean_rhai),
        cmocka_unit_test(decisions_are_the_same_when_they_do_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
