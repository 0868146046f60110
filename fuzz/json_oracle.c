#include "json_oracle.h"

#include <jansson.h>
#include <stdlib.h>

struct json_t *oracle_parse(const char *text, size_t len, bool all_real)
{
    size_t flags = JSON_DECODE_ANY | JSON_ALLOW_NUL | (all_real ? JSON_DECODE_INT_AS_REAL : 0);
    json_error_t ignored;

    return json_loadb(text, len, flags, &ignored);
}

void oracle_free(struct json_t *tree)
{
    json_decref(tree);
}

bool oracle_equal(const struct json_t *a, const struct json_t *b)
{
    return json_equal(a, b) == 1;
}

size_t oracle_depth(const struct json_t *tree)
{
    size_t deepest = 0, i, depth;
    const char *key;
    json_t *child;

    if (!json_is_object(tree) && !json_is_array(tree))
        return 0;
    json_array_foreach(tree, i, child)
    {
        depth = oracle_depth(child);
        deepest = depth > deepest ? depth : deepest;
    }
    json_object_foreach((struct json_t *)(uintptr_t)tree, key, child)
    {
        depth = oracle_depth(child);
        deepest = depth > deepest ? depth : deepest;
    }
    return deepest + 1;
}

struct json_t *oracle_null(void)
{
    return json_null();
}

struct json_t *oracle_bool(bool value)
{
    return json_boolean(value);
}

struct json_t *oracle_integer(int64_t value)
{
    return json_integer(value);
}

struct json_t *oracle_real(double value)
{
    return json_real(value);
}

struct json_t *oracle_string(const char *p, size_t len)
{
    return json_stringn_nocheck(p, len);
}

struct json_t *oracle_array(void)
{
    return json_array();
}

struct json_t *oracle_object(void)
{
    return json_object();
}

void oracle_append(struct json_t *array, struct json_t *child)
{
    if (json_array_append_new(array, child) != 0)
        abort();
}

void oracle_set(struct json_t *object, const char *key, struct json_t *child)
{
    if (json_object_set_new_nocheck(object, key, child) != 0)
        abort();
}
