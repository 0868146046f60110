/*
 * A response's head, as in fuzz_http_request.c; the first byte says whether it
 * answers a HEAD.
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

static void check_prefixes(struct str input, bool head_request, ssize_t whole)
{
    size_t end = whole > 0 ? (size_t)whole : input.len;
    struct err err;

    for (size_t len = 0; len < end && len < PREFIXES_MAX; len++) {
        struct str prefix = { input.p, len };
        ssize_t n = http1_parse_response(prefix, head_request, &second, &err);
        expect(n <= 0 && (whole < 0 || n == 0));
    }
}

static void write_head(const struct http1_head *head, struct buf *out)
{
    (void)buf_printf(out, "HTTP/1.%u %03u X\r\n", head->minor, head->status);
    for (size_t i = 0; i < head->fields_len; i++) {
        (void)buf_add(out, head->fields[i].name.p, head->fields[i].name.len);
        (void)buf_puts(out, ": ");
        (void)buf_add(out, head->fields[i].value.p, head->fields[i].value.len);
        (void)buf_puts(out, " \r\n");
    }
    (void)buf_puts(out, "\r\n");
}

static void check_same_head(void)
{
    expect(first.status == second.status && first.minor == second.minor);
    expect(first.keep_alive == second.keep_alive && first.framing == second.framing);
    expect(first.content_length == second.content_length && first.fields_len == second.fields_len);
    for (size_t i = 0; i < first.fields_len; i++)
        expect(same(first.fields[i].name, second.fields[i].name) &&
               same(first.fields[i].value, second.fields[i].value));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf out;
    struct err err;

    if (size == 0)
        return 0;
    bool head_request = data[0] == 'h';
    struct str input = { (const char *)data + 1, size - 1 };
    ssize_t n = http1_parse_response(input, head_request, &first, &err);
    expect(n <= (ssize_t)input.len);
    check_prefixes(input, head_request, n);
    if (n <= 0)
        return 0;
    buf_init(&out, 2 * HTTP1_HEAD_BYTES_MAX);
    write_head(&first, &out);
    if (buf_len(&out) <= HTTP1_HEAD_BYTES_MAX) {
        n = http1_parse_response(buf_str(&out), head_request, &second, &err);
        expect(n == (ssize_t)buf_len(&out));
        check_same_head();
    }
    buf_deinit(&out);
    return 0;
}
