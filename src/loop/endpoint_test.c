#include "loop/endpoint.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define PATH_100                                          \
    "/23456789012345678901234567890123456789012345678901" \
    "2345678901234567890123456789012345678901234567890"
#define LABEL_50 "a2345678901234567890123456789012345678901234567890"

static void endpoints_are_parsed(void **state)
{
    static const struct {
        const char *text, *host;
        unsigned port;
        bool is_unix, is_loopback;
        const char *shown; /* NULL: as written */
    } cases[] = {
        { "127.0.0.1:8080", "127.0.0.1", 8080, false, true, NULL },
        { "127.9.8.7:1", "127.9.8.7", 1, false, true, NULL },
        { "10.0.0.1:65535", "10.0.0.1", 65535, false, false, NULL },
        { "0.0.0.0:0", "0.0.0.0", 0, false, false, NULL },
        { "localhost:7833", "localhost", 7833, false, true, NULL },
        { "LocalHost:7833", "LocalHost", 7833, false, true, NULL },
        { "localhost.evil.example:1", "localhost.evil.example", 1, false, false, NULL },
        { "gpu_box-2.lan:7835", "gpu_box-2.lan", 7835, false, false, NULL },
        { ":8080", "", 8080, false, false, NULL },
        { "[::1]:8080", "::1", 8080, false, true, NULL },
        { "[::]:8080", "::", 8080, false, false, NULL },
        { "[::ffff:127.0.0.1]:80", "::ffff:127.0.0.1", 80, false, true, NULL },
        { "[::ffff:10.0.0.1]:80", "::ffff:10.0.0.1", 80, false, false, NULL },
        { "[fe80::1%eth0]:80", "fe80::1%eth0", 80, false, false, NULL },
        { "http://localhost", "localhost", 80, false, true, "localhost:80" },
        { "http://localhost/", "localhost", 80, false, true, "localhost:80" },
        { "HTTP://[2001:db8::2]:81/", "2001:db8::2", 81, false, false, "[2001:db8::2]:81" },
        { "http://[2001:db8::2]", "2001:db8::2", 80, false, false, "[2001:db8::2]:80" },
        { "host:007", "host", 7, false, false, "host:7" },
        { "unix:/run/rbee/queen.sock", "/run/rbee/queen.sock", 0, true, true, NULL },
        { "unix:s", "s", 0, true, true, NULL },
        { "unix:" PATH_100 "1234567", PATH_100 "1234567", 0, true, true, NULL },
    };
    char shown[ENDPOINT_TEXT_SIZE];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct endpoint e;
        struct err err = { 0 };
        if (endpoint_parse(str_of(cases[i].text), &e, &err) != 0)
            fail_msg("%s: %s", cases[i].text, err.msg);
        assert_string_equal(e.host, cases[i].host);
        assert_int_equal(e.port, cases[i].port);
        assert_int_equal(e.is_unix, cases[i].is_unix);
        if (endpoint_is_loopback(&e) != cases[i].is_loopback)
            fail_msg("%s: loopback is not %d", cases[i].text, cases[i].is_loopback);
        endpoint_text(&e, shown);
        assert_string_equal(shown, cases[i].shown ? cases[i].shown : cases[i].text);
    }
}

static void wrong_endpoints_are_refused_with_the_reason(void **state)
{
    static const struct {
        const char *text, *why;
    } cases[] = {
        { "", "HOST:PORT" },
        { "8080", "HOST:PORT" },
        { "localhost", "HOST:PORT" },
        { "[::1]", "HOST:PORT" },
        { "localhost:", "0 to 65535" },
        { "localhost:65536", "0 to 65535" },
        { "localhost:99999999999999999999999", "0 to 65535" },
        { "localhost:-1", "0 to 65535" },
        { "localhost:+1", "0 to 65535" },
        { "localhost: 1", "0 to 65535" },
        { "localhost:1x", "0 to 65535" },
        { "localhost:80/", "0 to 65535" },
        { "::1:8080", "brackets" },
        { "2001:db8::1", "brackets" },
        { "[::1:8080", "']'" },
        { "[::1]8080", "may follow ']'" },
        { "[]:80", "host is missing" },
        { "[localhost]:80", "IPv6" },
        { "[127.0.0.1]:80", "IPv6" },
        { "[fe80::1%]:80", "IPv6" },
        { "[1111:2222:3333:4444:5555:6666:7777:8888:9999]:80", "IPv6" },
        { "127.1:80", "IPv4" },
        { "10.0.0.256:80", "IPv4" },
        { "1.2.3.4.5:80", "IPv4" },
        { "host name:80", "letters" },
        { "h\xc3\xb6st:80", "letters" },
        { "host\n:80", "letters" },
        { ".host:80", "before each '.'" },
        { "a..b:80", "before each '.'" },
        { LABEL_50 "." LABEL_50 "." LABEL_50 "." LABEL_50 "." LABEL_50 ":80", "253" },
        { LABEL_50 LABEL_50 LABEL_50 LABEL_50 LABEL_50 LABEL_50 ":80", "too long" },
        { "https://localhost", "https is not supported" },
        { "HTTPS://localhost", "https is not supported" },
        { "ftp://localhost", "scheme" },
        { "://localhost", "scheme" },
        { "http://", "host is missing" },
        { "http:///", "host is missing" },
        { "http://:80", "host is missing" },
        { "http://localhost:80/v1", "path" },
        { "http://localhost//", "path" },
        { "http://localhost?x", "path" },
        { "http://localhost#x", "path" },
        { "http://me@localhost", "user name" },
        { "http://me:secret@localhost:80", "user name" },
        { "http://unix:80", "called unix" },
        { "unix:", "unix:PATH" },
        { "unix:" PATH_100 "12345678", "107" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct endpoint e = { .port = 7 };
        struct err err = { 0 };
        if (endpoint_parse(str_of(cases[i].text), &e, &err) != ERR_INVALID)
            fail_msg("'%s' was taken", cases[i].text);
        if (!strstr(err.msg, cases[i].why))
            fail_msg("'%s': '%s' does not say '%s'", cases[i].text, err.msg, cases[i].why);
        assert_int_equal(e.port, 7); /* untouched */
    }
}

static void a_nul_byte_is_refused(void **state)
{
    static const struct str texts[] = {
        { "a\0b:80", 6 },
        { "unix:/a\0b", 9 },
        { "[::1\0]:80", 9 },
        { "a:8\0", 4 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        struct endpoint e;
        struct err err = { 0 };
        assert_int_equal(endpoint_parse(texts[i], &e, &err), ERR_INVALID);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(endpoints_are_parsed),
        cmocka_unit_test(wrong_endpoints_are_refused_with_the_reason),
        cmocka_unit_test(a_nul_byte_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
