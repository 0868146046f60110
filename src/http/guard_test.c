#include "http/guard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

static const char client[] = "client-0123456789";
static const char hive[] = "hive-0123456789ab";
static const char admin[] = "admin-0123456789a";

static void set(struct secret *secret, const char *text)
{
    assert_true(str_copy(secret->text, sizeof(secret->text), str_of(text)));
}

static struct guard_facts get(const char *host)
{
    return (struct guard_facts){ .method = str_of("GET"), .host = str_of(host) };
}

static int check(const struct guard *g, enum route_role role, const struct guard_facts *facts)
{
    struct err err;

    return guard_check(g, role, facts, &err);
}

static void only_our_own_hosts_are_answered(void **state)
{
    static const struct {
        const char *host;
        int code;
    } cases[] = {
        { "localhost", 0 },
        { "LocalHost:7833", 0 },
        { "127.0.0.1:7833", 0 },
        { "[::1]:7833", 0 },
        { "[::1]", 0 },
        { "", 0 },
        { "queen.lan", 0 },
        { "10.1.2.3:80", 0 },
        { "::1", ERR_HOST },
        { "evil.example", ERR_HOST },
        { "localhost.evil.example", ERR_HOST },
        { "localhost:", ERR_HOST },
        { "localhost:0", ERR_HOST },
        { "localhost:65536", ERR_HOST },
        { "localhost:80:80", ERR_HOST },
        { "[::1", ERR_HOST },
        { "[::1]80", ERR_HOST },
        { ":80", ERR_HOST },
        { "127.0.0.2", ERR_HOST },
    };
    struct guard g;
    struct err err;
    (void)state;

    guard_init(&g);
    assert_int_equal(guard_add_host(&g, str_of("queen.lan"), &err), 0);
    assert_int_equal(guard_add_host(&g, str_of("10.1.2.3"), &err), 0);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct guard_facts facts = get(cases[i].host);
        if (check(&g, ROUTE_OPEN, &facts) != cases[i].code)
            fail_msg("'%s': not %s", cases[i].host, err_name(cases[i].code));
    }
}

static void pages_of_others_are_refused(void **state)
{
    static const struct {
        const char *host, *origin;
        int code;
    } cases[] = {
        { "localhost:7833", "http://localhost:7833", 0 },
        { "127.0.0.1:7833", "http://localhost:7833", 0 },
        { "127.0.0.1:7833", "http://[::1]:7833", 0 },
        { "queen.lan", "http://queen.lan", 0 },
        { "localhost:7833", "https://queen.lan", 0 },
        { "localhost", "http://localhost", 0 },
        { "localhost:80", "http://localhost", 0 },
        { "localhost:443", "https://localhost", 0 },
        { "localhost:7833", "http://localhost:3000", ERR_ORIGIN },
        { "localhost:7833", "http://localhost", ERR_ORIGIN },
        { "localhost:7833", "http://evil.example", ERR_ORIGIN },
        { "localhost:7833", "http://evil.example:7833", ERR_ORIGIN },
        { "localhost:7833", "http://localhost:7833.evil.example", ERR_ORIGIN },
        { "localhost:7833", "null", ERR_ORIGIN },
        { "localhost:7833", "file://", ERR_ORIGIN },
        { "localhost:7833", "ftp://localhost:7833", ERR_ORIGIN },
        { "localhost:7833", "://", ERR_ORIGIN },
    };
    struct guard g;
    struct err err;
    (void)state;

    guard_init(&g);
    assert_int_equal(guard_add_host(&g, str_of("queen.lan"), &err), 0);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct guard_facts facts = get(cases[i].host);
        facts.origin = str_of(cases[i].origin);
        if (check(&g, ROUTE_OPEN, &facts) != cases[i].code)
            fail_msg("'%s' on '%s': not %s", cases[i].origin, cases[i].host,
                     err_name(cases[i].code));
    }
}

static void bodies_come_as_json_only(void **state)
{
    static const struct {
        const char *method, *type;
        bool has_body;
        int code;
    } cases[] = {
        { "POST", "application/json", true, 0 },
        { "POST", "Application/JSON ; charset=utf-8", true, 0 },
        { "POST", "", false, 0 },
        { "POST", "", true, ERR_CONTENT_TYPE },
        { "POST", "text/plain", true, ERR_CONTENT_TYPE },
        { "POST", "text/plain", false, ERR_CONTENT_TYPE },
        { "POST", "application/jsonp", true, ERR_CONTENT_TYPE },
        { "POST", "application/x-www-form-urlencoded", true, ERR_CONTENT_TYPE },
        { "PUT", "text/plain", true, ERR_CONTENT_TYPE },
        { "DELETE", "", false, 0 },
        { "GET", "text/plain", false, 0 },
    };
    struct guard g;
    (void)state;

    guard_init(&g);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct guard_facts facts = get("localhost");
        facts.method = str_of(cases[i].method);
        facts.content_type = str_of(cases[i].type);
        facts.has_body = cases[i].has_body;
        if (check(&g, ROUTE_CLIENT, &facts) != cases[i].code)
            fail_msg("%s '%s': not %s", cases[i].method, cases[i].type, err_name(cases[i].code));
    }
}

static void a_token_holds_its_role_and_the_weaker_ones(void **state)
{
    static const struct {
        const char *token;
        int code[4]; /* by role */
    } cases[] = {
        { "", { 0, ERR_NO_API_KEY, ERR_NO_API_KEY, ERR_NO_API_KEY } },
        { "wrong-0123456789", { 0, ERR_BAD_API_KEY, ERR_BAD_API_KEY, ERR_BAD_API_KEY } },
        { client, { 0, 0, ERR_FORBIDDEN, ERR_FORBIDDEN } },
        { hive, { 0, 0, 0, ERR_FORBIDDEN } },
        { admin, { 0, 0, 0, 0 } },
    };
    struct guard g;
    (void)state;

    guard_init(&g);
    set(&g.client, client);
    set(&g.hive, hive);
    set(&g.admin, admin);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        for (enum route_role role = ROUTE_OPEN; role <= ROUTE_ADMIN; role++) {
            char bearer[64];
            struct guard_facts facts = get("localhost");
            (void)snprintf(bearer, sizeof(bearer), "bearer %s", cases[i].token);
            facts.authorization = str_of(bearer);
            assert_int_equal(check(&g, role, &facts), cases[i].code[role]);
            facts.authorization = (struct str){ 0 };
            facts.api_key = str_of(cases[i].token);
            assert_int_equal(check(&g, role, &facts), cases[i].code[role]);
        }
    }
}

static void without_tokens_every_role_is_granted(void **state)
{
    struct guard_facts facts = get("localhost");
    struct guard g;
    (void)state;

    guard_init(&g);
    assert_int_equal(check(&g, ROUTE_ADMIN, &facts), 0);
    facts.authorization = str_of("Bearer anything");
    assert_int_equal(check(&g, ROUTE_ADMIN, &facts), 0);
}

static void a_role_without_a_token_needs_a_stronger_one(void **state)
{
    struct guard_facts facts = get("localhost");
    struct guard g;
    (void)state;

    guard_init(&g);
    set(&g.client, client);
    facts.api_key = str_of(client);
    assert_int_equal(check(&g, ROUTE_CLIENT, &facts), 0);
    assert_int_equal(check(&g, ROUTE_HIVE, &facts), ERR_FORBIDDEN);
    assert_int_equal(check(&g, ROUTE_ADMIN, &facts), ERR_FORBIDDEN);
}

static void our_own_user_on_a_unix_socket_is_the_administrator(void **state)
{
    struct guard_facts facts = get("anything");
    struct guard g;
    (void)state;

    guard_init(&g);
    set(&g.admin, admin);
    facts.is_same_user = true;
    assert_int_equal(check(&g, ROUTE_ADMIN, &facts), 0);
}

static void the_number_of_hosts_is_capped(void **state)
{
    struct guard g;
    struct err err;
    char name[300];
    int rc = 0;
    (void)state;

    guard_init(&g);
    for (int i = 0; i < 2 * GUARD_HOSTS_MAX; i++) /* the same one counts once */
        assert_int_equal(guard_add_host(&g, str_of("a"), &err), 0);
    for (int i = 0; i < GUARD_HOSTS_MAX && rc == 0; i++) {
        (void)snprintf(name, sizeof(name), "h%d", i);
        rc = guard_add_host(&g, str_of(name), &err);
    }
    assert_int_equal(rc, ERR_LIMIT);

    guard_init(&g);
    memset(name, 'a', sizeof(name));
    assert_int_equal(guard_add_host(&g, (struct str){ name, sizeof(name) }, &err), ERR_LIMIT);
    assert_int_equal(guard_add_host(&g, str_of(""), &err), ERR_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_our_own_hosts_are_answered),
        cmocka_unit_test(pages_of_others_are_refused),
        cmocka_unit_test(bodies_come_as_json_only),
        cmocka_unit_test(a_token_holds_its_role_and_the_weaker_ones),
        cmocka_unit_test(without_tokens_every_role_is_granted),
        cmocka_unit_test(a_role_without_a_token_needs_a_stronger_one),
        cmocka_unit_test(our_own_user_on_a_unix_socket_is_the_administrator),
        cmocka_unit_test(the_number_of_hosts_is_capped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
