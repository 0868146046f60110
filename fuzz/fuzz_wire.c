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
static struct policy_call call;

static bool is_same(const struct buf *a, const struct buf *b)
{
    return buf_len(a) == buf_len(b) && memcmp(a->p, b->p, buf_len(a)) == 0;
}

static void try_answer(struct str in, struct buf *first, struct buf *again)
{
    uint64_t seq, time_us;

    if (!wire_get_answer(in, &seq, &time_us, &answer))
        return;
    expect(wire_put_answer(first, seq, time_us, &answer));
    expect(wire_get_answer(buf_str(first), &seq, &time_us, &answer));
    expect(wire_put_answer(again, seq, time_us, &answer) && is_same(first, again));
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

static void try_call(struct str in, struct buf *first, struct buf *again)
{
    uint64_t seq;

    if (!wire_get_call(in, &seq, &call))
        return;
    expect(wire_put_call(first, seq, &call) && wire_get_call(buf_str(first), &seq, &call));
    expect(wire_put_call(again, seq, &call) && is_same(first, again));
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
    try_answer(in, &first, &again);
    try_loaded(in, &first, &again);
    try_refused(in, &first, &again);
    try_call(in, &first, &again);
    try_text(in);
    buf_deinit(&first);
    buf_deinit(&again);
    return 0;
}
