/* policy_builtin - the strategies that stand behind user policies, told like versions. */
#pragma once

#include "api/policies.h"

/* The names are nobody's to give. */
bool policy_is_builtin(const char *name);

/* NULL ends the list. */
extern const char *const policy_builtins[];

/* Version 1 of it. `ret_source` is empty for one that is written in C; NULL: not wanted. */
void policy_builtin_version(const char *name, struct policy_version *ret, struct str *ret_source);

/* Is it the one that decides now? */
bool policy_builtin_is_active(const struct policies *p, const char *name);
