/* resolve - finds out which variable, function or object of the host each name means. */
#pragma once

#include "rhai/ast.h"

/* What is wrong or unknown goes to script->diagnostics. */
void resolve_script(struct script *script);
