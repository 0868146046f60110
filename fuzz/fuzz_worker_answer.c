/*
 * Whatever a worker answers: what is read of it lies within it, a glance at a frame
 * overlooks nothing that a reading finds, and what people are shown of an error is one
 * line of plain text.
 */
#include "base/utf8.h"
#include "proxy/completion.h"
#include "proxy/refusal.h"
#include "expect.h"

#include <stdint.h>
#include <stdlib.h>

static void expect_within(struct str whole, struct str part)
{
    expect(!part.p || (part.p >= whole.p && part.len <= (size_t)(whole.p + whole.len - part.p)));
}

static void check_completion(struct str input)
{
    struct completion c;
    struct err err;
    bool is_escaped = input.p && memchr(input.p, '\\', input.len); /* maybe in a key */

    if (completion_read(input, &c, &err) < 0)
        return;
    expect_within(input, c.text);
    expect_within(input, c.finish);
    expect_within(input, c.error);
    expect(c.has_content || !c.text.p);
    if (!is_escaped && completion_is_plain(input))
        expect(!c.has_usage && !c.finish.p && !c.error.p);
}

static void check_refusal(struct str input)
{
    struct refusal r;

    refusal_read(input, &r);
    expect(utf8_is_valid(str_of(r.message)));
    for (const char *c = r.message; *c; c++)
        expect((unsigned char)*c >= ' ' && *c != 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str input = { (const char *)data, size };
    struct usage usage = { 0 };

    check_completion(input);
    check_refusal(input);
    (void)completion_is_plain(input);
    if (completion_find_usage(input, &usage))
        expect(usage.tokens_in <= 1ULL << 40 && usage.tokens_out <= 1ULL << 40);
    return 0;
}
