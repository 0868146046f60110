/* help - the texts that come out of the command tree: --help at each level, the man
 * page, and the completion scripts. */
#pragma once

#include "base/buf.h"
#include "keeper/command.h"

/* `path` is how the command was reached: "rbee worker". Branches list their children. */
void help_branch(const char *path, const char *summary, const struct command *const *children,
                 struct buf *out);
void help_leaf(const char *path, const struct command *command, struct buf *out);

/* "no-" for a flag that is on by default: what one types is what changes something. */
const char *help_option_prefix(const struct option *o);

/* Everything on one page, roff. */
void help_man(struct buf *out);

/* The program that options_load() wants for a leaf; `name` is its path, borrowed. */
struct option_program help_program(const char *path, const struct command *command);

enum { COMMAND_PATH_SIZE = 64, COMMAND_DEPTH_MAX = 2 };

/* Visit every command, branches before their children. */
void help_each(void (*visit)(void *data, const char *path, const struct command *command),
               void *data);
