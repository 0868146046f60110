#include "policy/template_example.h"

#include <jansson.h>

struct example *example_read(const char *text, size_t len)
{
    json_error_t ignored;

    return (struct example *)json_loadb(text, len, 0, &ignored);
}

static json_t *root(const struct example *e)
{
    return (json_t *)(size_t)e;
}

void example_free(struct example *e)
{
    json_decref(root(e));
}

/* --- Steps ------------------------------------------------------------------------ */

size_t example_steps(const struct example *e)
{
    return json_is_array(root(e)) ? json_array_size(root(e)) : 1;
}

static json_t *member(const struct example *e, size_t step, const char *name)
{
    json_t *at = json_is_array(root(e)) ? json_array_get(root(e), step) : root(e);

    return json_object_get(at, name);
}

char *example_context(const struct example *e, size_t step)
{
    return json_dumps(member(e, step, "context"), 0);
}

size_t example_answers(const struct example *e, size_t step)
{
    const json_t *expected = member(e, step, "expect");

    if (json_is_array(expected))
        return json_array_size(expected);
    return json_is_object(expected) ? 1 : 0;
}

static json_t *expected_at(const struct example *e, size_t step, size_t answer)
{
    json_t *expected = member(e, step, "expect");

    return json_is_array(expected) ? json_array_get(expected, answer) : expected;
}

char *example_expected(const struct example *e, size_t step, size_t answer)
{
    return json_dumps(expected_at(e, step, answer), 0);
}

/* --- Comparing ---------------------------------------------------------------------- */

static bool is_in(json_t *expected, json_t *is);

static bool are_in(json_t *expected, json_t *is)
{
    bool met = json_is_array(is) && json_array_size(expected) == json_array_size(is);

    for (size_t i = 0; met && i < json_array_size(expected); i++)
        met = is_in(json_array_get(expected, i), json_array_get(is, i));
    return met;
}

static bool is_in(json_t *expected, json_t *is)
{
    const char *name;
    json_t *value;

    if (json_is_array(expected))
        return are_in(expected, is);
    if (!json_is_object(expected))
        return json_equal(expected, is);
    json_object_foreach(expected, name, value)
    {
        if (!is_in(value, json_object_get(is, name)))
            return false;
    }
    return json_is_object(is);
}

bool example_is_met(const struct example *e, size_t step, size_t answer, const char *decision)
{
    json_t *is = json_loads(decision, 0, NULL);
    bool met = is_in(expected_at(e, step, answer), is);

    json_decref(is);
    return met;
}
