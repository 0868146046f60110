/* host_test - not a test, but what tests run in: a Lua state such as policies have, with a few
 * workers in it. */
#pragma once

#include "rhai/rhai.h"

struct lua_State;

struct test_host {
    struct lua_State *lua;
    struct script_lua script;
    struct diagnostics diagnostics;
    char message[512]; /* of what failed last, its line that of the Rhai text */
};

/* Only what rhai.h says that the runtime needs, the runtime, and the fakes of
 * host_test.lua. */
struct test_host *test_host_new(void);
void test_host_free(struct test_host *host);

/* Compile and run. False: `diagnostics` or `message` says why. Once per host. */
bool test_host_load(struct test_host *host, struct str source);

/* Call a global of the script with `job`, `pools` and `workers` of the fakes; the answer as
 * text, or NULL and `message`. */
const char *test_host_call(struct test_host *host, const char *entry);
