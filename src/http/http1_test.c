#include "http/http1.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct http1_head head;

/* A copy of exactly that length, so that a read past its end is seen. */
static ssize_t parse_request(struct str text, struct err *err)
{
    char *copy = malloc(text.len + 1);
    assert_non_null(copy);
    memcpy(copy, text.p, text.len);
    char *exact = realloc(copy, text.len ? text.len : 1);
    ssize_t rc = http1_parse_request((struct str){ exact, text.len }, &head, err);
    free(exact);
    return rc;
}

static void a_request_is_taken_apart(void **state)
{
    static const char text[] = "POST /v1/jobs?x=1 HTTP/1.1\r\nHost: localhost:7833\r\n"
                               "Content-Type:  application/json \t\r\nX-Empty:\r\n"
                               "content-length: 12\r\nExpect: 100-continue\r\n\r\n{\"a\":";
    struct err err;
    (void)state;

    ssize_t n = http1_parse_request(str_of(text), &head, &err);

    assert_int_equal(n, strlen(text) - 5);
    assert_true(str_eq(head.method, "POST"));
    assert_true(str_eq(head.target, "/v1/jobs?x=1"));
    assert_true(str_eq(head.authority, "localhost:7833"));
    assert_int_equal(head.minor, 1);
    assert_true(head.keep_alive);
    assert_true(head.expect_continue);
    assert_int_equal(head.framing, HTTP1_LENGTH);
    assert_int_equal(head.content_length, 12);
    assert_int_equal(head.fields_len, 5);
    assert_true(str_eq(http1_field_value(&head, "CONTENT-TYPE"), "application/json"));
    assert_true(str_eq(http1_field_value(&head, "x-empty"), ""));
    assert_null(http1_field_value(&head, "absent").p);
}

static void absolute_form_becomes_a_path(void **state)
{
    static const struct {
        const char *target, *path, *authority;
    } cases[] = {
        { "http://example.org/a?b", "/a?b", "example.org" },
        { "http://example.org:81", "/", "example.org:81" },
        { "HTTP://[::1]:80/", "/", "[::1]:80" },
    };
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[256];
        struct err err;
        (void)snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: other\r\n\r\n",
                       cases[i].target);
        assert_true(http1_parse_request(str_of(text), &head, &err) > 0);
        assert_true(str_eq(head.target, cases[i].path));
        assert_true(str_eq(head.authority, cases[i].authority));
    }
}

static void every_prefix_of_a_good_request_asks_for_more(void **state)
{
    static const char text[] =
        "\r\nGET /v1/models HTTP/1.1\r\nHost: a\r\nAccept: */*\r\nX-A: \tb c\r\n\r\n";
    struct err err = { 0 };
    (void)state;

    for (size_t len = 0; len < strlen(text); len++)
        if (parse_request((struct str){ text, len }, &err) != 0)
            fail_msg("prefix of %zu bytes: %s", len, err.msg);
    assert_int_equal(parse_request(str_of(text), &err), strlen(text));
}

static void persistence_follows_version_and_connection(void **state)
{
    static const struct {
        const char *text;
        bool keep_alive;
    } cases[] = {
        { "GET / HTTP/1.1\r\nHost: a\r\n\r\n", true },
        { "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", false },
        { "GET / HTTP/1.1\r\nHost: a\r\nConnection: te , CLOSE\r\n\r\n", false },
        { "GET / HTTP/1.1\r\nHost: a\r\nConnection: x\r\nConnection: close\r\n\r\n", false },
        { "GET / HTTP/1.0\r\n\r\n", false },
        { "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", true },
        { "GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n", false },
    };
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct err err;
        assert_true(http1_parse_request(str_of(cases[i].text), &head, &err) > 0);
        assert_int_equal(head.keep_alive, cases[i].keep_alive);
    }
}

#define HOST "Host: a\r\n"
#define BYTES(z)           \
    {                      \
        (z), sizeof(z) - 1 \
    }

static void malformed_requests_are_refused(void **state)
{
    static const struct {
        const char *name;
        struct str text;
        int code;
    } cases[] = {
        { "lower case method", BYTES("get / HTTP/1.1\r\n" HOST "\r\n"), ERR_INVALID },
        { "unknown method", BYTES("FROB / HTTP/1.1\r\n" HOST "\r\n"), ERR_INVALID },
        { "connect", BYTES("CONNECT a:1 HTTP/1.1\r\n" HOST "\r\n"), ERR_INVALID },
        { "tls hello", BYTES("\x16\x03\x01"), ERR_INVALID },
        { "two empty lines first", BYTES("\r\n\r\nGET / HTTP/1.1\r\n" HOST "\r\n"), ERR_INVALID },
        { "lone LF first", BYTES("\nGET / HTTP/1.1\r\n" HOST "\r\n"), ERR_INVALID },
        { "no version", BYTES("GET /\r\n\r\n"), ERR_INVALID },
        { "HTTP/0.9", BYTES("GET / HTTP/0.9\r\n" HOST "\r\n"), ERR_HTTP_VERSION },
        { "HTTP/2.0", BYTES("GET / HTTP/2.0\r\n" HOST "\r\n"), ERR_HTTP_VERSION },
        { "HTTP/1.2", BYTES("GET / HTTP/1.2\r\n" HOST "\r\n"), ERR_HTTP_VERSION },
        { "h2 preface", BYTES("PRI * HTTP/2.0\r\n\r\n"), ERR_HTTP_VERSION },
        { "HTTP/1.10", BYTES("GET / HTTP/1.10\r\n" HOST "\r\n"), ERR_INVALID },
        { "lower case version", BYTES("GET / http/1.1\r\n" HOST "\r\n"), ERR_INVALID },
        { "other protocol", BYTES("GET / RTSP/1.0\r\n" HOST "\r\n"), ERR_INVALID },
        { "two spaces after method", BYTES("GET  / HTTP/1.1\r\n" HOST "\r\n"), ERR_INVALID },
        { "two spaces before version", BYTES("GET /  HTTP/1.1\r\n" HOST "\r\n"), ERR_INVALID },
        { "space after version", BYTES("GET / HTTP/1.1 \r\n" HOST "\r\n"), ERR_INVALID },
        { "tab in request line", BYTES("GET\t/ HTTP/1.1\r\n" HOST "\r\n"), ERR_INVALID },
        { "control in path", BYTES("GET /\x01 HTTP/1.1\r\n" HOST "\r\n"), ERR_INVALID },
        { "DEL in path", BYTES("GET /\x7f HTTP/1.1\r\n" HOST "\r\n"), ERR_INVALID },
        { "8 bit in path", BYTES("GET /\xc3\xa9 HTTP/1.1\r\n" HOST "\r\n"), ERR_INVALID },
        { "NUL in path", BYTES("GET /\0 HTTP/1.1\r\n" HOST "\r\n"), ERR_INVALID },
        { "fragment", BYTES("GET /#a HTTP/1.1\r\n" HOST "\r\n"), ERR_INVALID },
        { "no slash", BYTES("GET a HTTP/1.1\r\n" HOST "\r\n"), ERR_INVALID },
        { "star", BYTES("GET * HTTP/1.1\r\n" HOST "\r\n"), ERR_INVALID },
        { "https target", BYTES("GET https://a/ HTTP/1.1\r\n" HOST "\r\n"), ERR_INVALID },
        { "user in target", BYTES("GET http://u@a/ HTTP/1.1\r\n" HOST "\r\n"), ERR_INVALID },
        { "no host in target", BYTES("GET http:///a HTTP/1.1\r\n" HOST "\r\n"), ERR_INVALID },
        { "no Host", BYTES("GET / HTTP/1.1\r\n\r\n"), ERR_INVALID },
        { "two Hosts", BYTES("GET / HTTP/1.1\r\n" HOST HOST "\r\n"), ERR_INVALID },
        { "two Hosts in 1.0", BYTES("GET / HTTP/1.0\r\n" HOST HOST "\r\n"), ERR_INVALID },
        { "list in Host", BYTES("GET / HTTP/1.1\r\nHost: a, b\r\n\r\n"), ERR_INVALID },
        { "path in Host", BYTES("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"), ERR_INVALID },
        { "bare LF", BYTES("GET / HTTP/1.1\nHost: a\n\n"), ERR_INVALID },
        { "bare LF after a field", BYTES("GET / HTTP/1.1\r\nHost: a\n\r\n"), ERR_INVALID },
        { "bare LF at the end", BYTES("GET / HTTP/1.1\r\nHost: a\r\n\n"), ERR_INVALID },
        { "bare CR in a value", BYTES("GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n"),
          ERR_INVALID },
        { "bare CR in request line", BYTES("GET /\rx HTTP/1.1\r\n" HOST "\r\n"), ERR_INVALID },
        { "CR CR LF", BYTES("GET / HTTP/1.1\r\r\n" HOST "\r\n"), ERR_INVALID },
        { "NUL in a value", BYTES("GET / HTTP/1.1\r\n" HOST "X: a\0b\r\n\r\n"), ERR_INVALID },
        { "NUL in a name", BYTES("GET / HTTP/1.1\r\n" HOST "X\0: a\r\n\r\n"), ERR_INVALID },
        { "control in a value",
          BYTES("GET / HTTP/1.1\r\n" HOST "X: a\x01"
                "b\r\n\r\n"),
          ERR_INVALID },
        { "DEL in a value", BYTES("GET / HTTP/1.1\r\n" HOST "X: a\x7f\r\n\r\n"), ERR_INVALID },
        { "fold with a space", BYTES("GET / HTTP/1.1\r\n" HOST "X: a\r\n b\r\n\r\n"), ERR_INVALID },
        { "fold with a tab", BYTES("GET / HTTP/1.1\r\n" HOST "X: a\r\n\tb\r\n\r\n"), ERR_INVALID },
        { "fold in the first field", BYTES("GET / HTTP/1.1\r\n " HOST "\r\n"), ERR_INVALID },
        { "space before colon", BYTES("GET / HTTP/1.1\r\n" HOST "X : a\r\n\r\n"), ERR_INVALID },
        { "tab before colon", BYTES("GET / HTTP/1.1\r\n" HOST "X\t: a\r\n\r\n"), ERR_INVALID },
        { "space in a name", BYTES("GET / HTTP/1.1\r\n" HOST "X Y: a\r\n\r\n"), ERR_INVALID },
        { "control in a name", BYTES("GET / HTTP/1.1\r\n" HOST "X\x01: a\r\n\r\n"), ERR_INVALID },
        { "8 bit in a name", BYTES("GET / HTTP/1.1\r\n" HOST "X\xe9: a\r\n\r\n"), ERR_INVALID },
        { "empty name", BYTES("GET / HTTP/1.1\r\n" HOST ": a\r\n\r\n"), ERR_INVALID },
        { "no colon", BYTES("GET / HTTP/1.1\r\n" HOST "X\r\n\r\n"), ERR_INVALID },
        { "CL and TE",
          BYTES("POST / HTTP/1.1\r\n" HOST
                "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"),
          ERR_INVALID },
        { "TE and CL",
          BYTES("POST / HTTP/1.1\r\n" HOST
                "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n"),
          ERR_INVALID },
        { "two CLs",
          BYTES("POST / HTTP/1.1\r\n" HOST "Content-Length: 1\r\nContent-Length: 2\r\n\r\n"),
          ERR_INVALID },
        { "two equal CLs",
          BYTES("POST / HTTP/1.1\r\n" HOST "Content-Length: 1\r\nContent-Length: 1\r\n\r\n"),
          ERR_INVALID },
        { "CL list", BYTES("POST / HTTP/1.1\r\n" HOST "Content-Length: 1, 1\r\n\r\n"),
          ERR_INVALID },
        { "CL plus", BYTES("POST / HTTP/1.1\r\n" HOST "Content-Length: +1\r\n\r\n"), ERR_INVALID },
        { "CL minus", BYTES("POST / HTTP/1.1\r\n" HOST "Content-Length: -1\r\n\r\n"), ERR_INVALID },
        { "CL hex", BYTES("POST / HTTP/1.1\r\n" HOST "Content-Length: 0x1\r\n\r\n"), ERR_INVALID },
        { "CL letters", BYTES("POST / HTTP/1.1\r\n" HOST "Content-Length: a\r\n\r\n"),
          ERR_INVALID },
        { "CL empty", BYTES("POST / HTTP/1.1\r\n" HOST "Content-Length:\r\n\r\n"), ERR_INVALID },
        { "CL blank inside", BYTES("POST / HTTP/1.1\r\n" HOST "Content-Length: 1 1\r\n\r\n"),
          ERR_INVALID },
        { "CL overflow",
          BYTES("POST / HTTP/1.1\r\n" HOST "Content-Length: 18446744073709551616\r\n\r\n"),
          ERR_INVALID },
        { "CL fraction", BYTES("POST / HTTP/1.1\r\n" HOST "Content-Length: 1.0\r\n\r\n"),
          ERR_INVALID },
        { "TE gzip", BYTES("POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip\r\n\r\n"),
          ERR_INVALID },
        { "TE gzip, chunked",
          BYTES("POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip, chunked\r\n\r\n"),
          ERR_INVALID },
        { "TE chunked, gzip",
          BYTES("POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked, gzip\r\n\r\n"),
          ERR_INVALID },
        { "TE chunked, chunked",
          BYTES("POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked, chunked\r\n\r\n"),
          ERR_INVALID },
        { "TE identity", BYTES("POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: identity\r\n\r\n"),
          ERR_INVALID },
        { "TE xchunked", BYTES("POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: xchunked\r\n\r\n"),
          ERR_INVALID },
        { "TE empty", BYTES("POST / HTTP/1.1\r\n" HOST "Transfer-Encoding:\r\n\r\n"), ERR_INVALID },
        { "TE twice",
          BYTES("POST / HTTP/1.1\r\n" HOST
                "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"),
          ERR_INVALID },
        { "TE in 1.0", BYTES("POST / HTTP/1.0\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"),
          ERR_INVALID },
    };
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct err err = { 0 };
        ssize_t rc = parse_request(cases[i].text, &err);
        if (rc != cases[i].code)
            fail_msg("%s: %zd (%s), expected %s", cases[i].name, rc, err.msg,
                     err_name(cases[i].code));
    }
}

static size_t many_fields(char *out, size_t size, size_t count)
{
    size_t len = (size_t)snprintf(out, size, "GET / HTTP/1.1\r\nHost: a\r\n");

    for (size_t i = 1; i < count; i++)
        len += (size_t)snprintf(out + len, size - len, "X: %zu\r\n", i);
    return len + (size_t)snprintf(out + len, size - len, "\r\n");
}

static void the_number_of_fields_is_capped(void **state)
{
    static char text[8192];
    struct err err;
    (void)state;

    size_t len = many_fields(text, sizeof(text), HTTP1_FIELDS_MAX);
    assert_int_equal(parse_request((struct str){ text, len }, &err), len);
    assert_int_equal(head.fields_len, HTTP1_FIELDS_MAX);

    len = many_fields(text, sizeof(text), HTTP1_FIELDS_MAX + 1);
    assert_int_equal(parse_request((struct str){ text, len }, &err), ERR_HEADERS_TOO_LARGE);
}

static void the_size_of_a_head_is_capped(void **state)
{
    static char text[HTTP1_HEAD_BYTES_MAX + 1];
    static const char begin[] = "GET / HTTP/1.1\r\nHost: a\r\nX: ";
    struct err err;
    (void)state;

    memset(text, 'a', sizeof(text));
    memcpy(text, begin, strlen(begin));
    struct str almost = { text, HTTP1_HEAD_BYTES_MAX - 1 };
    assert_int_equal(parse_request(almost, &err), 0);
    struct str full = { text, HTTP1_HEAD_BYTES_MAX };
    assert_int_equal(parse_request(full, &err), ERR_HEADERS_TOO_LARGE);

    memcpy(text + HTTP1_HEAD_BYTES_MAX - 4, "\r\n\r\n", 4);
    assert_int_equal(parse_request(full, &err), HTTP1_HEAD_BYTES_MAX);
    memcpy(text + HTTP1_HEAD_BYTES_MAX - 4, "a\r\n\r\n", 5);
    struct str over = { text, HTTP1_HEAD_BYTES_MAX + 1 };
    assert_int_equal(parse_request(over, &err), ERR_HEADERS_TOO_LARGE);
}

static void responses_are_framed_by_status_and_fields(void **state)
{
    static const struct {
        const char *text;
        bool head_request;
        enum http1_framing framing;
        unsigned status;
        bool keep_alive;
    } cases[] = {
        { "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", false, HTTP1_LENGTH, 200, true },
        { "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", true, HTTP1_NO_BODY, 200, true },
        { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", false, HTTP1_CHUNKED, 200,
          true },
        { "HTTP/1.1 200\r\nConnection: close\r\n\r\n", false, HTTP1_UNTIL_CLOSE, 200, false },
        { "HTTP/1.1 200 \r\n\r\n", false, HTTP1_UNTIL_CLOSE, 200, false },
        { "HTTP/1.0 404 Not Found\r\n\r\n", false, HTTP1_UNTIL_CLOSE, 404, false },
        { "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n", false,
          HTTP1_LENGTH, 200, true },
        { "HTTP/1.1 204 No Content\r\n\r\n", false, HTTP1_NO_BODY, 204, true },
        { "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", false, HTTP1_NO_BODY, 304,
          true },
        { "HTTP/1.1 100 Continue\r\n\r\n", false, HTTP1_NO_BODY, 100, true },
    };
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct err err = { 0 };
        struct str text = str_of(cases[i].text);
        ssize_t rc = http1_parse_response(text, cases[i].head_request, &head, &err);
        if (rc != (ssize_t)text.len)
            fail_msg("%s: %zd (%s)", cases[i].text, rc, err.msg);
        assert_true(head.is_response);
        assert_int_equal(head.framing, cases[i].framing);
        assert_int_equal(head.status, cases[i].status);
        assert_int_equal(head.keep_alive, cases[i].keep_alive);
    }
}

static void malformed_responses_are_refused(void **state)
{
    static const struct {
        const char *text;
        int code;
    } cases[] = {
        { "SSH-2.0-OpenSSH\r\n", ERR_INVALID },
        { "HTTP/2 200\r\n\r\n", ERR_INVALID },
        { "HTTP/2.0 200 OK\r\n\r\n", ERR_HTTP_VERSION },
        { "HTTP/1.1 20 OK\r\n\r\n", ERR_INVALID },
        { "HTTP/1.1 2000 OK\r\n\r\n", ERR_INVALID },
        { "HTTP/1.1 099 OK\r\n\r\n", ERR_INVALID },
        { "HTTP/1.1 600 OK\r\n\r\n", ERR_INVALID },
        { "HTTP/1.1  200 OK\r\n\r\n", ERR_INVALID },
        { "HTTP/1.1 200 OK\n\n", ERR_INVALID },
        { "HTTP/1.1 200 OK\r\nX : a\r\n\r\n", ERR_INVALID },
        { "HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n", ERR_INVALID },
        { "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n", ERR_INVALID },
        { "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
          ERR_INVALID },
        { "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", ERR_INVALID },
        { "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", ERR_INVALID },
    };
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct err err = { 0 };
        ssize_t rc = http1_parse_response(str_of(cases[i].text), false, &head, &err);
        if (rc != cases[i].code)
            fail_msg("%s: %zd (%s)", cases[i].text, rc, err.msg);
    }
}

/* Walks `text` in pieces of `step` bytes; bytes consumed, or the error's code. */
static ssize_t walk(enum http1_framing framing, struct str text, size_t step, char *out,
                    bool *ret_done)
{
    struct http1_head of = { .framing = framing, .content_length = 5 };
    struct http1_body body;
    struct err err;
    size_t at = 0, out_len = 0;

    http1_body_init(&body, &of);
    while (at < text.len && !body.done) {
        size_t len = text.len - at < step ? text.len - at : step;
        struct str payload, piece = { text.p + at, len };
        ssize_t n = http1_body_next(&body, piece, &payload, &err);
        if (n < 0)
            return n;
        if (payload.len > 0)
            memcpy(out + out_len, payload.p, payload.len);
        out_len += payload.len;
        at += (size_t)n;
    }
    out[out_len] = '\0';
    *ret_done = body.done;
    return (ssize_t)at;
}

static void bodies_come_out_the_same_however_they_are_cut(void **state)
{
    static const struct {
        enum http1_framing framing;
        const char *text, *payload;
        size_t consumed;
        bool done;
    } cases[] = {
        { HTTP1_LENGTH, "helloGET", "hello", 5, true },
        { HTTP1_LENGTH, "hel", "hel", 3, false },
        { HTTP1_NO_BODY, "GET", "", 0, true },
        { HTTP1_UNTIL_CLOSE, "abc", "abc", 3, false },
        { HTTP1_CHUNKED, "5\r\nhello\r\n0\r\n\r\nGET", "hello", 15, true },
        { HTTP1_CHUNKED, "1\r\na\r\n0A\r\n0123456789\r\n0\r\n\r\n", "a0123456789", 27, true },
        { HTTP1_CHUNKED, "2;a=\"b c\"\r\nhi\r\n000\r\n\r\n", "hi", 22, true },
        { HTTP1_CHUNKED, "2\r\nhi\r\n0\r\nX-Sum: 1\r\nY:\r\n\r\n", "hi", 26, true },
        { HTTP1_CHUNKED, "2\r\nhi\r\n", "hi", 7, false },
    };
    char out[64];
    bool done;
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct str text = str_of(cases[i].text);
        for (size_t step = 1; step <= text.len; step++) {
            ssize_t n = walk(cases[i].framing, text, step, out, &done);
            if (n != (ssize_t)cases[i].consumed || done != cases[i].done)
                fail_msg("%s by %zu: %zd %d", cases[i].text, step, n, done);
            assert_string_equal(out, cases[i].payload);
        }
    }
}

static void malformed_chunks_are_refused(void **state)
{
    static const struct str cases[] = {
        BYTES("\r\n"),
        BYTES("g\r\n"),
        BYTES("-1\r\n"),
        BYTES("+1\r\na"),
        BYTES("0x1\r\na"),
        BYTES(" 1\r\na"),
        BYTES("1 \r\na"),
        BYTES("1\na\r\n0\r\n\r\n"),
        BYTES("1\r\na\n"),
        BYTES("1\r\nab"),
        BYTES("1\r\na\rb"),
        BYTES("1\r\na\r\n0\n"),
        BYTES("1\r\na\r\n0\r\n\n"),
        BYTES("1\r\na\r\n0\r\n\rx"),
        BYTES("1\ra"),
        BYTES("10000000000000000\r\n"),
        BYTES("00000000000000001\r\n"),
        BYTES("1;a=\nb\r\n"),
        BYTES("1;a=\0\r\n"),
        BYTES("0\r\nX\r\n"),
        BYTES("0\r\n: a\r\n"),
        BYTES("0\r\nX : a\r\n"),
        BYTES("0\r\n X: a\r\n"),
        BYTES("0\r\nX: a\nY: b\r\n"),
        BYTES("0\r\nX: \0\r\n"),
    };
    char out[64];
    bool done;
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(walk(HTTP1_CHUNKED, cases[i], cases[i].len, out, &done), ERR_INVALID);
        assert_int_equal(walk(HTTP1_CHUNKED, cases[i], 1, out, &done), ERR_INVALID);
    }
}

static void chunk_extensions_and_trailers_are_capped(void **state)
{
    static char text[64 * 1024];
    char out[8];
    bool done;
    (void)state;

    memset(text, 'a', sizeof(text));
    memcpy(text, "1;", 2);
    struct str extension = { text, sizeof(text) };
    assert_int_equal(walk(HTTP1_CHUNKED, extension, sizeof(text), out, &done), ERR_INVALID);

    size_t len = (size_t)snprintf(text, sizeof(text), "0\r\n");
    while (len < sizeof(text) - 16)
        len += (size_t)snprintf(text + len, sizeof(text) - len, "X: aaaa\r\n");
    struct str trailer = { text, len };
    assert_int_equal(walk(HTTP1_CHUNKED, trailer, len, out, &done), ERR_INVALID);
}

static void only_a_close_delimited_body_ends_by_closing(void **state)
{
    static const struct {
        enum http1_framing framing;
        bool ends;
    } cases[] = {
        { HTTP1_NO_BODY, true },
        { HTTP1_LENGTH, false },
        { HTTP1_CHUNKED, false },
        { HTTP1_UNTIL_CLOSE, true },
    };
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct http1_head of = { .framing = cases[i].framing, .content_length = 1 };
        struct http1_body body;
        http1_body_init(&body, &of);
        assert_int_equal(http1_body_closed(&body), cases[i].ends);
    }
}

static void what_is_written_is_one_line_each(void **state)
{
    struct buf out;
    (void)state;

    buf_init(&out, 4096);
    assert_true(http1_write_status_line(&out, 429));
    assert_true(http1_write_field(&out, "Retry-After", str_of("1")));
    assert_true(http1_write_request_line(&out, "GET", str_of("/a")));
    assert_string_equal(buf_cstr(&out),
                        "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1\r\nGET /a HTTP/1.1\r\n");

    assert_false(http1_write_field(&out, "X", str_of("a\r\nEvil: 1")));
    assert_false(http1_write_field(&out, "X", str_of("a\n")));
    assert_false(http1_write_field(&out, "X", (struct str){ "a\0", 2 }));
    assert_false(http1_write_field(&out, "X\r\nEvil", str_of("a")));
    assert_false(http1_write_request_line(&out, "GET", str_of("/\r\n")));
    assert_false(http1_write_status_line(&out, 20));
    buf_deinit(&out);
}

static void chunk_heads_are_hexadecimal(void **state)
{
    static const struct {
        size_t len;
        const char *text;
    } cases[] = {
        { 0, "0\r\n" },
        { 9, "9\r\n" },
        { 15, "f\r\n" },
        { 16, "10\r\n" },
        { 0xabc, "abc\r\n" },
        { 65536, "10000\r\n" },
        { SIZE_MAX, "ffffffffffffffff\r\n" },
    };
    char out[HTTP1_CHUNK_HEAD_SIZE];
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(http1_chunk_head(out, cases[i].len), strlen(cases[i].text));
        assert_string_equal(out, cases[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_taken_apart),
        cmocka_unit_test(absolute_form_becomes_a_path),
        cmocka_unit_test(every_prefix_of_a_good_request_asks_for_more),
        cmocka_unit_test(persistence_follows_version_and_connection),
        cmocka_unit_test(malformed_requests_are_refused),
        cmocka_unit_test(the_number_of_fields_is_capped),
        cmocka_unit_test(the_size_of_a_head_is_capped),
        cmocka_unit_test(responses_are_framed_by_status_and_fields),
        cmocka_unit_test(malformed_responses_are_refused),
        cmocka_unit_test(bodies_come_out_the_same_however_they_are_cut),
        cmocka_unit_test(malformed_chunks_are_refused),
        cmocka_unit_test(chunk_extensions_and_trailers_are_capped),
        cmocka_unit_test(only_a_close_delimited_body_ends_by_closing),
        cmocka_unit_test(what_is_written_is_one_line_each),
        cmocka_unit_test(chunk_heads_are_hexadecimal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
