/* What /proc/meminfo says, and what it may not say. */
#include "hive/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static void free_memory_is_what_can_be_had_without_swapping(void **state)
{
    static const char meminfo[] = "MemTotal:       16384000 kB\n"
                                  "MemFree:          102400 kB\n"
                                  "MemAvailable:    8192000 kB\n"
                                  "Buffers:           10240 kB\n";
    uint64_t mb = 0, free_mb = 0;
    (void)state;

    assert_true(memory_parse(str_of(meminfo), &mb, &free_mb));
    assert_int_equal(mb, 16000);
    assert_int_equal(free_mb, 8000);
}

static void what_is_no_meminfo_says_nothing(void **state)
{
    static const char *const texts[] = {
        "",
        "MemTotal: 100 kB\n",
        "MemAvailable: 100 kB\n",
        "MemTotal: none\nMemAvailable: none\n",
        "MemTotal: 100 kB\nMemAvailable: 101 kB\n",
    };
    uint64_t mb = 7, free_mb = 7;
    (void)state;

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        assert_false(memory_parse(str_of(texts[i]), &mb, &free_mb));
        assert_true(mb == 7 && free_mb == 7);
    }
}

static void this_machine_has_memory(void **state)
{
    uint64_t mb, free_mb;
    (void)state;

    memory_look(&mb, &free_mb);
    assert_true(mb > 0 && free_mb <= mb);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(free_memory_is_what_can_be_had_without_swapping),
        cmocka_unit_test(what_is_no_meminfo_says_nothing),
        cmocka_unit_test(this_machine_has_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
