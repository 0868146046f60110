/*
 * parse - from Rhai's text to its tree, by recursive descent of bounded depth.
 *
 * After an error the rest of the statement is skipped, so that one run tells of several.
 */
#pragma once

#include "rhai/ast.h"

/* What is wrong goes to script->diagnostics; the tree is whole only without errors. */
void parse_script(struct script *script, struct str source);
