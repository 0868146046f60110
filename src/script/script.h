/*
 * script - the text of a policy: its language, its header comment, what is wrong with
 * it, and the Lua that it becomes.
 *
 * Lua 5.4 runs every policy. YAML rules (rules/rules.h) and Rhai (rhai/rhai.h) are
 * compiled to Lua text, with a map from its lines to the author's, so that whatever goes
 * wrong later names the line that the author wrote. Pure text in, text out: no Lua state,
 * no file. It runs inside the policy host (policyhost/), never in the queen: these parsers
 * read what strangers wrote.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum script_language { SCRIPT_LUA, SCRIPT_YAML, SCRIPT_RHAI, SCRIPT_LANGUAGE_COUNT_ };
const char *script_language_name(enum script_language language); /* "lua", as on the wire */
bool script_language_parse(struct str name, enum script_language *ret);
/* By the end of a file's name: .lua, .yaml, .yml, .rhai. */
bool script_language_of_file(struct str path, enum script_language *ret);

enum {
    SCRIPT_BYTES_MAX = 256 * 1024,
    SCRIPT_LUA_BYTES_MAX = 4 * 1024 * 1024, /* what a compiler may make of it */
    SCRIPT_NAME_SIZE = 64,                  /* with the NUL, as all sizes */
    SCRIPT_VERSION_SIZE = 32,
    SCRIPT_DESCRIPTION_SIZE = 256,
    DIAGNOSTIC_MESSAGE_SIZE = 256,
    DIAGNOSTIC_RULE_SIZE = 64,
    DIAGNOSTICS_MAX = 32,
};

/* Lines and columns count from 1, columns in characters; 0: not known. */
struct diagnostic {
    bool is_warning;
    unsigned line, column;
    char message[DIAGNOSTIC_MESSAGE_SIZE]; /* what is wrong, what was expected; one line */
    char rule[DIAGNOSTIC_RULE_SIZE];       /* YAML: the rule's name; "" for none */
};

/* What a compiler found; beyond DIAGNOSTICS_MAX they are only counted. */
struct diagnostics {
    struct diagnostic items[DIAGNOSTICS_MAX];
    size_t len;
    size_t errors, warnings; /* all of them */
};

/* Control characters become blanks; too long a message is cut at a character. Returns the
 * new one, for its rule to be set; NULL when it was only counted. */
struct diagnostic *diagnostics_add(struct diagnostics *d, bool is_warning, unsigned line,
                                   unsigned column, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));

/* `-- @name … @version 1.2.0 @description …` at the head of a Lua file (`//` in Rhai);
 * members of `scheduler:` in YAML. Empty where not said. */
struct script_header {
    char name[SCRIPT_NAME_SIZE];
    char version[SCRIPT_VERSION_SIZE];
    char description[SCRIPT_DESCRIPTION_SIZE];
};

/* Read the comment lines that a source begins with; `mark` is "--" or "//". */
void script_header_read(struct str source, const char *mark, struct script_header *ret);

/* A policy as Lua text. */
struct script_lua {
    struct script_header header;
    struct buf text;    /* init by script_lua_init() */
    uint32_t *line_map; /* owned; line_map[i]: the author's line of Lua line i + 1, 0: none */
    size_t line_map_len;
};
void script_lua_init(struct script_lua *s);
void script_lua_deinit(struct script_lua *s);

/* Called by emitters after each '\n' they wrote: that line came from `line` of the source. */
void script_lua_map_line(struct script_lua *s, unsigned line);
unsigned script_lua_line(const struct script_lua *s, unsigned lua_line); /* 0: unknown */

/* What every language's text must pass first: not empty, at most SCRIPT_BYTES_MAX, no NUL,
 * no bytecode; UTF-8 for YAML and Rhai. Strips a BOM from `source`. False: told. */
bool script_check(enum script_language language, struct str *source, struct diagnostics *d);
