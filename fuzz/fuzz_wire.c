/*
 * Whatever is taken for a message between queen and policy host means the same when it is
 * written again.
 */
#include "sandbox/wire.h"
#include "expect.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Static for their size; each is filled by the reader before it is looked at. */
static struct policy_answer answer;
static struct wire_loaded loaded;
static struct diagnostics diagnostics;
static struct policy_call calls[WIRE_CALLS_MAX];

static bool is_same(const struct buf *a, const struct buf *b)
{
    return buf_len(a) == buf_len(b) && memcmp(a->p, b->p, buf_len(a)) == 0;
}

/* All of a message again; false: one of them cannot be. */
static bool copy_answers(struct str in, struct buf *ret)
{
    struct wire_answer_head head;
    struct str rest;

    if (!wire_open_answers(in, &rest))
        return false;
    wire_begin_answers(ret);
    while (rest.len > 0) {
        if (!wire_take_answer(&rest, &head, &answer))
            return false;
        expect(wire_add_answer(ret, &head, &answer));
    }
    return true;
}

static void try_answers(struct str in, struct buf *first, struct buf *again)
{
    if (copy_answers(in, first))
        expect(copy_answers(buf_str(first), again) && is_same(first, again));
}

static void try_loaded(struct str in, struct buf *first, struct buf *again)
{
    if (!wire_get_loaded(in, &loaded))
        return;
    expect(wire_put_loaded(first, &loaded) && wire_get_loaded(buf_str(first), &loaded));
    expect(wire_put_loaded(again, &loaded) && is_same(first, again));
}

static void try_refused(struct str in, struct buf *first, struct buf *again)
{
    if (!wire_get_refused(in, &diagnostics))
        return;
    expect(wire_put_refused(first, &diagnostics));
    expect(wire_get_refused(buf_str(first), &diagnostics));
    expect(wire_put_refused(again, &diagnostics) && is_same(first, again));
}

static void try_calls(struct str in, struct buf *first, struct buf *again)
{
    uint64_t seq;
    size_t len;

    if (!wire_get_calls(in, &seq, calls, &len))
        return;
    expect(wire_put_calls(first, seq, calls, len));
    expect(wire_get_calls(buf_str(first), &seq, calls, &len));
    expect(wire_put_calls(again, seq, calls, len) && is_same(first, again));
}

static void try_text(struct str in)
{
    struct script_lua lua;
    bool is_last;

    script_lua_init(&lua);
    (void)wire_get_text(in, &lua, &is_last);
    script_lua_deinit(&lua);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str in = { (const char *)data, size };
    struct buf first, again;

    buf_init(&first, WIRE_MESSAGE_BYTES_MAX);
    buf_init(&again, WIRE_MESSAGE_BYTES_MAX);
    try_answers(in, &first, &again);
    try_loaded(in, &first, &again);
    try_refused(in, &first, &again);
    try_calls(in, &first, &again);
    try_text(in);
    buf_deinit(&first);
    buf_deinit(&again);
    return 0;
}
