/* names - which words of a script mean something beforehand. */
#pragma once

#include "base/str.h"

#include <stdbool.h>

/* Why a function or method is not to be had, and what to write instead; NULL: it is. */
const char *name_left_out(struct str name);
const char *name_left_out_method(struct str name);

bool name_is_mutator(struct str name);         /* changes arrays or maps in place */
bool name_is_string_mutator(struct str name);  /* gives a variable another string */
bool name_is_predicate_taker(struct str name); /* wants a closure that answers a bool */

bool name_is_lua_word(struct str name);       /* or one that the Lua text uses itself */
bool name_is_known_function(struct str name); /* of Rhai's library or the policy API */
bool name_is_known_global(struct str name);   /* an object of the policy API */

/* Functions and objects of the policy API, each list ended by NULL. Those of the functions that
 * Rhai's library has as well (min, split, …) are not among them. */
extern const char *const name_host_functions[];
extern const char *const name_host_objects[];

/* Parameters of the entry point of this name, as "job, pools, workers", and how many;
 * NULL for other names. */
const char *name_entry_params(struct str name, unsigned *ret_count);
