/* Numbers that are given and given back, and what changed since. */
#include "registry/slots.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

struct seen {
    char text[256]; /* "slot.generation=what " */
};

static void note(void *data, uint32_t slot, uint32_t generation, const void *what)
{
    struct seen *seen = data;
    size_t len = strlen(seen->text);

    (void)snprintf(seen->text + len, sizeof(seen->text) - len, "%u.%u=%s ", slot, generation,
                   what ? (const char *)what : "");
}

static void assert_since(const struct slots *s, uint64_t since, const char *expected)
{
    struct seen seen = { "" };

    slots_since(s, since, note, &seen);
    assert_string_equal(seen.text, expected);
}

static void a_number_that_came_back_is_given_next_with_another_generation(void **state)
{
    struct slots s;
    (void)state;

    slots_init(&s);
    assert_int_equal(slots_take(&s, "a", 1), 0);
    assert_int_equal(slots_take(&s, "b", 2), 1);
    assert_int_equal(slots_generation(&s, 0), 1);
    slots_give_back(&s, 0, 3);
    slots_give_back(&s, 1, 4);
    assert_int_equal(slots_take(&s, "c", 5), 1);
    assert_int_equal(slots_generation(&s, 1), 2);
    assert_int_equal(slots_take(&s, "d", 6), 0);
    assert_int_equal(slots_take(&s, "e", 7), 2);
    slots_deinit(&s);
}

static void what_changed_is_shown_newest_first_and_nothing_else(void **state)
{
    struct slots s;
    (void)state;

    slots_init(&s);
    assert_since(&s, 0, "");
    (void)slots_take(&s, "a", 1);
    (void)slots_take(&s, "b", 2);
    (void)slots_take(&s, "c", 3);
    assert_since(&s, 0, "2.1=c 1.1=b 0.1=a ");
    assert_since(&s, 2, "2.1=c ");
    assert_since(&s, 3, "");
    slots_touch(&s, 0, 4); /* the oldest */
    slots_touch(&s, 2, 5); /* one between */
    slots_touch(&s, 2, 6); /* the newest */
    assert_since(&s, 3, "2.1=c 0.1=a ");
    assert_since(&s, 0, "2.1=c 0.1=a 1.1=b ");
    slots_deinit(&s);
}

static void an_empty_slot_is_shown_until_somebody_has_it(void **state)
{
    struct slots s;
    (void)state;

    slots_init(&s);
    (void)slots_take(&s, "a", 1);
    slots_give_back(&s, 0, 2);
    assert_since(&s, 1, "0.1= ");
    assert_since(&s, 0, "0.1= ");
    (void)slots_take(&s, "b", 3);
    assert_since(&s, 0, "0.2=b ");
    slots_deinit(&s);
}

static void thousands_keep_their_numbers_while_room_is_made(void **state)
{
    struct slots s;
    struct seen seen = { "" };
    (void)state;

    slots_init(&s);
    for (uint32_t i = 0; i < 5000; i++)
        assert_int_equal(slots_take(&s, "x", i + 1), i);
    slots_touch(&s, 7, 5001);
    slots_since(&s, 4999, note, &seen);
    assert_string_equal(seen.text, "7.1=x 4999.1=x ");
    slots_deinit(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_number_that_came_back_is_given_next_with_another_generation),
        cmocka_unit_test(what_changed_is_shown_newest_first_and_nothing_else),
        cmocka_unit_test(an_empty_slot_is_shown_until_somebody_has_it),
        cmocka_unit_test(thousands_keep_their_numbers_while_room_is_made),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
