/*
 * template_example - the JSON of one example of a template, for the test of all of them. Read
 * by jansson, behind a header of its own because its names are also ours (base/json_write.h).
 *
 * A step, or a list of them: {"context": {...}, "expect": decision or list of decisions}.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct example;

struct example *example_read(const char *text, size_t len); /* NULL: not whole, or no JSON */
void example_free(struct example *e);

size_t example_steps(const struct example *e);
/* As JSON text, to be freed; NULL: it has none. */
char *example_context(const struct example *e, size_t step);
size_t example_answers(const struct example *e, size_t step);

/* Is all that is expected in the decision, given as JSON text? What is not mentioned may be
 * anything; lists are as long as expected. */
bool example_is_met(const struct example *e, size_t step, size_t answer, const char *decision);
char *example_expected(const struct example *e, size_t step, size_t answer); /* to be freed */
