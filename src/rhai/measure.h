/*
 * measure - finds out what shape each expression must take in Lua.
 *
 * Rhai's blocks, ifs and loops are values; Lua's are not. What needs Lua statements before
 * its value is flagged; what would outgrow Lua's 255 registers or 200 levels of nesting within
 * one Lua expression is big.
 */
#pragma once

#include "rhai/ast.h"

/* Errors only for functions that Lua could not hold even so. */
void measure_script(struct script *script);

/* Does it put Lua statements before its value, so that what comes earlier must be worked
 * out into variables? */
bool measure_has_statements(const struct node *node);

/* Must this operand be worked out into a variable itself? */
bool measure_is_big(const struct node *node);

/* The same wherever it stands: a literal, needing no order. */
bool measure_is_constant(const struct node *node);

/* Must `x.f()` give x another value? With the script's own function, or NULL. */
bool measure_reassigns(const struct node *method, const struct function *function);

/* Is a bool for sure, so that no test is needed? */
bool measure_is_bool(const struct node *node);

/* The ?. nearest to the start of the chain that ends in `node`, or NULL. */
struct node *measure_first_optional(struct node *node);
