/* Heads of GGUF files, written as the format says, whole and spoiled. */
#include "models/gguf_header.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <endian.h>
#include <string.h>

enum { U32 = 4, F32 = 6, STRING = 8, ARRAY = 9, U64 = 10, I8 = 1 };

/* A head under construction. */
struct head {
    char bytes[1024];
    size_t len;
};

static void put(struct head *h, const void *bytes, size_t len)
{
    assert_true(h->len + len <= sizeof(h->bytes));
    memcpy(h->bytes + h->len, bytes, len);
    h->len += len;
}

static void put_u32(struct head *h, uint32_t value)
{
    value = htole32(value);
    put(h, &value, sizeof(value));
}

static void put_u64(struct head *h, uint64_t value)
{
    value = htole64(value);
    put(h, &value, sizeof(value));
}

static void put_string(struct head *h, const char *text)
{
    put_u64(h, strlen(text));
    put(h, text, strlen(text));
}

static void put_key(struct head *h, const char *key, uint32_t type)
{
    put_string(h, key);
    put_u32(h, type);
}

static void begin(struct head *h, uint32_t version, uint64_t members)
{
    *h = (struct head){ 0 };
    put(h, "GGUF", 4);
    put_u32(h, version);
    put_u64(h, 12); /* tensors */
    put_u64(h, members);
}

static void put_architecture(struct head *h, const char *name)
{
    put_key(h, "general.architecture", STRING);
    put_string(h, name);
}

static uint64_t read_whole(const struct head *h)
{
    return gguf_context_length((struct str){ h->bytes, h->len });
}

/* One of each kind before the length that is looked for. */
static void build_whole(struct head *h)
{
    begin(h, 3, 7);
    put_architecture(h, "llama");
    put_key(h, "general.name", STRING);
    put_string(h, "A model");
    put_key(h, "general.tags", ARRAY);
    put_u32(h, STRING);
    put_u64(h, 2);
    put_string(h, "one");
    put_string(h, "");
    put_key(h, "some.flags", ARRAY);
    put_u32(h, I8);
    put_u64(h, 3);
    put(h, "abc", 3);
    put_key(h, "llama.rope.freq_base", F32);
    put_u32(h, 0);
    put_key(h, "other.context_length", U32);
    put_u32(h, 77);
    put_key(h, "llama.context_length", U32);
    put_u32(h, 4096);
}

static void the_length_is_found_behind_any_other_member(void **state)
{
    struct head h;
    (void)state;

    build_whole(&h);
    assert_int_equal(read_whole(&h), 4096);
    begin(&h, 2, 2);
    put_architecture(&h, "qwen2");
    put_key(&h, "qwen2.context_length", U64);
    put_u64(&h, 131072);
    assert_int_equal(read_whole(&h), 131072);
}

static void a_head_that_ends_early_is_not_known(void **state)
{
    struct head h;
    (void)state;

    build_whole(&h);
    for (size_t len = 0; len < h.len; len++) {
        char exact[sizeof(h.bytes)]; /* so that reading on is seen by a sanitizer */
        memcpy(exact + sizeof(exact) - len, h.bytes, len);
        assert_int_equal(gguf_context_length((struct str){ exact + sizeof(exact) - len, len }), 0);
    }
}

static void what_makes_no_sense_is_not_known(void **state)
{
    struct head h;
    (void)state;

    begin(&h, 1, 2); /* a version with other widths */
    put_architecture(&h, "llama");
    put_key(&h, "llama.context_length", U32);
    put_u32(&h, 4096);
    assert_int_equal(read_whole(&h), 0);

    begin(&h, 3, 2);
    put_architecture(&h, "llama");
    put_key(&h, "llama.context_length", U64);
    put_u64(&h, UINT64_MAX);
    assert_int_equal(read_whole(&h), 0);

    begin(&h, 3, 2);
    put_architecture(&h, "llama");
    put_key(&h, "llama.context_length", F32);
    put_u32(&h, 4096);
    assert_int_equal(read_whole(&h), 0);

    begin(&h, 3, 3);
    put_architecture(&h, "llama");
    put_key(&h, "endless", ARRAY);
    put_u32(&h, U64);
    put_u64(&h, UINT64_MAX / 8 + 2); /* whose bytes wrap to 8 */
    put_u64(&h, 0);
    put_key(&h, "llama.context_length", U32);
    put_u32(&h, 4096);
    assert_int_equal(read_whole(&h), 0);

    begin(&h, 3, 1);
    put_key(&h, ".context_length", U32); /* of no architecture */
    put_u32(&h, 4096);
    assert_int_equal(read_whole(&h), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_length_is_found_behind_any_other_member),
        cmocka_unit_test(a_head_that_ends_early_is_not_known),
        cmocka_unit_test(what_makes_no_sense_is_not_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
