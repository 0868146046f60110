/* What a policy's globals let it do with metatables, and what not. */
#include "policy/api_test_world.h"

static const char refused[] = "setmetatable: '__mode' is not available to policies";

/* Runs a body of schedule_job(); its log, or what went wrong. */
static const char *run(const char *body)
{
    static char text[POLICY_LOG_BYTES_MAX + 1];
    char lua[2048];
    struct world w;

    (void)snprintf(lua, sizeof(lua), "function schedule_job() %s end", body);
    world_open(&w, "{\"queue\":[{}]}");
    world_load(&w, lua);
    world_ask(&w, 0, false);
    (void)snprintf(text, sizeof(text), "%.*s%s", (int)w.answer.log_len, w.answer.log,
                   w.answer.message);
    world_close(&w);
    return text;
}

static void no_table_becomes_weak_by_any_way(void **state)
{
    static const char *const bodies[] = {
        "setmetatable({}, { __mode = 'k' })",
        "local mt = {} setmetatable({}, mt) mt.__mode = 'k'",
        "local mt = {} setmetatable({}, mt) mt['__mo' .. 'de'] = 'k'",
        "local mt = {} setmetatable({}, mt) rawset(mt, '__mode', 'k')",
        "local mt = {} setmetatable({}, mt) setmetatable(mt, nil) mt.__mode = 'k'",
        "local mt = {} setmetatable({}, mt) setmetatable(mt, {}) mt.__mode = 'k'",
        "local mt = setmetatable({}, {}) setmetatable({}, mt) mt.__mode = 'k'",
        "local mt, own = {}, { __newindex = rawset } setmetatable(mt, own) setmetatable({}, mt) "
        "own.__newindex = nil mt.__mode = 'k'",
        "local mt = setmetatable({}, { __newindex = rawset }) setmetatable({}, mt) mt.__mode = 'k'",
        "local t = {} setmetatable(t, t) t.__mode = 'k'",
        "local mt = {} setmetatable({}, setmetatable(mt, mt)) mt.__mode = 'k'",
        "local mt = {} setmetatable(setmetatable({}, mt), nil) mt.__mode = 'k'",
    };
    (void)state;

    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        const char *is = run(bodies[i]);
        if (!strstr(is, refused))
            fail_msg("%s: %s", bodies[i], is);
    }
}

static void metatables_otherwise_work_as_ever(void **state)
{
    static const struct {
        const char *body, *log;
    } cases[] = {
        { "local mt = {} local t = setmetatable({}, mt) mt.__index = function(_, k) return k end "
          "log.info(t.x)",
          "info x\n" },
        { "local Base = { hi = function() return 'hi' end } Base.__index = Base "
          "local Class = setmetatable({}, Base) Class.__index = Class "
          "local o = setmetatable({}, Class) Class.bye = 'bye' log.info(o.hi() .. o.bye)",
          "info hibye\n" },
        { "local Class = setmetatable({}, { __call = function(c, x) "
          "return setmetatable({ x = x }, c) end }) Class.__index = Class "
          "log.info(Class(1).x + Class(2).x)",
          "info 3\n" },
        { "local seen = {} local mt = setmetatable({}, { __newindex = seen }) "
          "setmetatable({}, mt) mt.a = 1 log.info(tostring(seen.a) .. tostring(rawget(mt, 'a')))",
          "info 1nil\n" },
        { "local mt = setmetatable({}, { __newindex = function(t, k, v) rawset(t, k, v + 1) end }) "
          "setmetatable({}, mt) mt.a = 1 log.info(mt.a)",
          "info 2\n" },
        { "local own, mt = {}, {} setmetatable({}, mt) "
          "log.info(tostring(getmetatable(mt)) .. tostring(getmetatable(setmetatable(mt, own)) == "
          "own)) setmetatable(mt, nil) log.info(tostring(getmetatable(mt)))",
          "info niltrue\ninfo nil\n" },
        { "log.info(tostring(getmetatable(setmetatable({}, { __metatable = 'mine' }))) .. "
          "tostring(getmetatable('')) .. tostring(getmetatable(context)))",
          "info minenilnil\n" },
        { "local t = setmetatable({}, { __metatable = 1 }) "
          "log.info(select(2, pcall(setmetatable, t, {})))",
          "info setmetatable: this metatable is protected\n" },
        { "local mt = {} setmetatable({}, mt) mt.__gc = print log.info(#rawset({}, 1, 2))",
          "info 1\n" },
        { "local own, mt = {}, {} setmetatable(mt, own) own.__gc = function() log.info('no') end "
          "setmetatable({}, mt) own, mt = nil, nil for i = 1, 1000 do local t = { i, { i } } end",
          "" },
        { "for k in pairs(setmetatable({}, {})) do log.info(k) end", "" },
    };
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *is = run(cases[i].body);
        if (strcmp(is, cases[i].log) != 0)
            fail_msg("%s: %s", cases[i].body, is);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_table_becomes_weak_by_any_way),
        cmocka_unit_test(metatables_otherwise_work_as_ever),
    };

    return cmocka_run_group_tests_name("env", tests, NULL, NULL);
}
