#include "base/labels.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

static void set(struct labels *l, const char *pair)
{
    struct err err;

    assert_int_equal(labels_set_pair(l, str_of(pair), &err), 0);
}

static void labels_keep_their_order_and_the_last_value(void **state)
{
    struct labels l = { 0 };
    const char *key, *value;
    (void)state;

    set(&l, "geo.region=EU");
    set(&l, "tier=gold");
    set(&l, "x=1=2\xc3\xa9");
    set(&l, "geo.region=US-WEST");
    set(&l, "tier=x");
    assert_int_equal(l.count, 3);
    assert_string_equal(labels_get(&l, "geo.region"), "US-WEST");
    assert_string_equal(labels_get(&l, "tier"), "x");
    assert_string_equal(labels_get(&l, "x"), "1=2\xc3\xa9");
    assert_null(labels_get(&l, "geo"));
    labels_at(&l, 0, &key, &value);
    assert_string_equal(key, "geo.region");
    assert_string_equal(value, "US-WEST");
    labels_at(&l, 2, &key, &value);
    assert_string_equal(key, "x");
    labels_free(&l);
    assert_int_equal(l.count, 0);
    assert_null(labels_get(&l, "x"));
    labels_free(&l);
}

static void bad_labels_are_refused_and_change_nothing(void **state)
{
    char long_text[LABEL_VALUE_MAX + 2];
    struct labels l = { 0 };
    struct err err;
    (void)state;

    set(&l, "a=b");
    memset(long_text, 'x', sizeof(long_text) - 1);
    long_text[sizeof(long_text) - 1] = '\0';
    assert_int_equal(labels_set_pair(&l, str_of("no-value"), &err), ERR_INVALID);
    assert_string_equal(err.msg, "'no-value' is not KEY=VALUE");
    assert_int_equal(labels_set_pair(&l, (struct str){ 0 }, &err), ERR_INVALID);
    assert_int_equal(labels_set_pair(&l, str_of("=v"), &err), ERR_INVALID);
    assert_int_equal(labels_set_pair(&l, str_of("k="), &err), ERR_INVALID);
    assert_int_equal(labels_set(&l, str_of(long_text), str_of("v"), &err), ERR_INVALID);
    assert_int_equal(labels_set(&l, str_of("k"), str_of(long_text), &err), ERR_INVALID);
    assert_int_equal(labels_set(&l, (struct str){ "k\0", 2 }, str_of("v"), &err), ERR_INVALID);
    assert_int_equal(labels_set(&l, str_of("k"), (struct str){ "\0", 1 }, &err), ERR_INVALID);
    assert_int_equal(labels_set(&l, str_of("k=x"), str_of("v"), &err), ERR_INVALID);
    assert_string_equal(err.msg, "the label name 'k=x' must not hold '='");
    assert_int_equal(labels_set(&l, str_of("k\n"), str_of("v"), &err), ERR_INVALID);
    assert_int_equal(labels_set(&l, str_of("k"), str_of("v\nw"), &err), ERR_INVALID);
    assert_int_equal(labels_set_pair(&l, str_of("k=v\x7f"), &err), ERR_INVALID);
    assert_int_equal(l.count, 1);
    assert_string_equal(labels_get(&l, "a"), "b");
    labels_free(&l);
}

static void there_is_a_cap_but_known_labels_still_change(void **state)
{
    struct labels l = { 0 };
    struct err err;
    char pair[32];
    (void)state;

    for (int i = 0; i < LABELS_MAX; i++) {
        (void)snprintf(pair, sizeof(pair), "k%d=v", i);
        set(&l, pair);
    }
    assert_int_equal(labels_set_pair(&l, str_of("new=v"), &err), ERR_LIMIT);
    set(&l, "k5=changed");
    assert_string_equal(labels_get(&l, "k5"), "changed");
    assert_int_equal(l.count, LABELS_MAX);
    labels_free(&l);
}

static void a_copy_is_its_own(void **state)
{
    struct labels a = { 0 }, b = { 0 };
    (void)state;

    set(&a, "k=v");
    set(&b, "old=x");
    labels_copy(&b, &a);
    set(&a, "k=w");
    assert_string_equal(labels_get(&b, "k"), "v");
    assert_null(labels_get(&b, "old"));
    labels_copy(&b, &b);
    assert_string_equal(labels_get(&b, "k"), "v");
    labels_free(&a);
    labels_copy(&b, &a);
    assert_int_equal(b.count, 0);
    labels_free(&b);
}

static void a_label_may_be_set_from_its_own_text(void **state)
{
    struct labels l = { 0 };
    struct err err;
    (void)state;

    set(&l, "a=b");
    set(&l, "c=d");
    assert_int_equal(labels_set(&l, str_of(l.text), str_of(labels_get(&l, "c")), &err), 0);
    assert_string_equal(labels_get(&l, "a"), "d");
    labels_free(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(labels_keep_their_order_and_the_last_value),
        cmocka_unit_test(bad_labels_are_refused_and_change_nothing),
        cmocka_unit_test(there_is_a_cap_but_known_labels_still_change),
        cmocka_unit_test(a_copy_is_its_own),
        cmocka_unit_test(a_label_may_be_set_from_its_own_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
