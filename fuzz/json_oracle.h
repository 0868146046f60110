/*
 * json_oracle - jansson behind names of its own, for fuzz_json.c: it and base/json.h
 * both have a JSON_OBJECT and a json_null(), so no file can include the two.
 *
 * A tree owns its children; oracle_append() and oracle_set() take them over.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_t;

/* NULL: not JSON. `all_real` makes 1 and 1.0 the same. */
struct json_t *oracle_parse(const char *text, size_t len, bool all_real);
void oracle_free(struct json_t *tree);
bool oracle_equal(const struct json_t *a, const struct json_t *b);
size_t oracle_depth(const struct json_t *tree); /* 0 for a scalar */

struct json_t *oracle_null(void);
struct json_t *oracle_bool(bool value);
struct json_t *oracle_integer(int64_t value);
struct json_t *oracle_real(double value);
struct json_t *oracle_string(const char *p, size_t len);
struct json_t *oracle_array(void);
struct json_t *oracle_object(void);
void oracle_append(struct json_t *array, struct json_t *child);
void oracle_set(struct json_t *object, const char *key, struct json_t *child); /* last wins */
