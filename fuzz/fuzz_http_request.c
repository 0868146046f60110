/*
 * A request's head: a prefix of it asks for more or is refused too, bytes behind it
 * change nothing, and what is accepted, written out anew, is accepted as the same.
 */
#include "http/http1.h"
#include "expect.h"

#include <stdint.h>
#include <stdlib.h>

enum { PREFIXES_MAX = 4096 };

static struct http1_head first, second;

static bool same(struct str a, struct str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

static void check_prefixes(struct str input, ssize_t whole)
{
    size_t end = whole > 0 ? (size_t)whole : input.len;
    struct err err;

    for (size_t len = 0; len < end && len < PREFIXES_MAX; len++) {
        ssize_t n = http1_parse_request((struct str){ input.p, len }, &second, &err);
        expect(n <= 0 && (whole < 0 || n == 0));
    }
}

/* In absolute form when Host says something else than the target did. */
static void write_head(const struct http1_head *head, struct buf *out)
{
    (void)buf_printf(out, "%.*s ", STR_ARG(head->method));
    if (!same(head->authority, http1_field_value(head, "host")))
        (void)buf_printf(out, "http://%.*s", STR_ARG(head->authority));
    (void)buf_printf(out, "%.*s HTTP/1.%u\r\n", STR_ARG(head->target), head->minor);
    for (size_t i = 0; i < head->fields_len; i++) {
        (void)buf_add(out, head->fields[i].name.p, head->fields[i].name.len);
        (void)buf_puts(out, ":");
        (void)buf_add(out, head->fields[i].value.p, head->fields[i].value.len);
        (void)buf_puts(out, "\r\n");
    }
    (void)buf_puts(out, "\r\n");
}

static void check_same_head(void)
{
    expect(same(first.method, second.method) && same(first.target, second.target));
    expect(same(first.authority, second.authority) && first.minor == second.minor);
    expect(first.keep_alive == second.keep_alive && first.framing == second.framing);
    expect(first.expect_continue == second.expect_continue);
    expect(first.content_length == second.content_length && first.fields_len == second.fields_len);
    for (size_t i = 0; i < first.fields_len; i++)
        expect(same(first.fields[i].name, second.fields[i].name) &&
               same(first.fields[i].value, second.fields[i].value));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str input = { (const char *)data, size };
    struct buf out;
    struct err err;
    ssize_t n = http1_parse_request(input, &first, &err);

    expect(n <= (ssize_t)size);
    check_prefixes(input, n);
    if (n <= 0)
        return 0;
    expect(http1_parse_request((struct str){ input.p, (size_t)n }, &first, &err) == n);
    buf_init(&out, 2 * HTTP1_HEAD_BYTES_MAX);
    write_head(&first, &out);
    if (buf_len(&out) <= HTTP1_HEAD_BYTES_MAX) {
        expect(http1_parse_request(buf_str(&out), &second, &err) == (ssize_t)buf_len(&out));
        check_same_head();
    }
    buf_deinit(&out);
    return 0;
}
