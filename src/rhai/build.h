/* build - how trees of ast.h are made and walked. */
#pragma once

#include "rhai/ast.h"

void script_init(struct script *script, struct diagnostics *d);
void script_deinit(struct script *script);

/* These three return NULL beyond the caps. `text` lives as long as the script. */
struct symbol *script_symbol(struct script *script, struct str text);
struct node *node_new(struct script *script, enum node_kind kind, unsigned line, unsigned column);

void node_add(struct node *parent, struct node *kid); /* as the last one */
size_t node_kids_count(const struct node *node);
bool node_is_place(const struct node *node); /* names what lives on, so that a copy is due */

/* The one of this name with so many parameters, or NULL. */
struct function *script_function(const struct symbol *symbol, size_t params);
