/*
 * lua_text - lines of Lua with their place in the author's text, and values as Lua writes
 * them. What an author wrote gets into the Lua only through here: as a literal, a name that
 * is one, or a comment that cannot end early.
 */
#pragma once

#include "rules/rule.h"

struct lua_text {
    struct script_lua *lua; /* borrowed */
    unsigned line;          /* of the author's text, for what is written now */
    unsigned indent;        /* levels */
    size_t mapped_bytes;    /* of the text, whose lines are in the line map */
};

/* One whole line, indented; or its beginning and its end around direct writes to the buf,
 * which may hold line breaks. */
void lua_text_line(struct lua_text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void lua_text_begin(struct lua_text *t);
void lua_text_end(struct lua_text *t);
void lua_text_blank(struct lua_text *t);

/* `line` and one level more; `line` after one level less. */
void lua_text_open(struct lua_text *t, const char *line);
void lua_text_close(struct lua_text *t, const char *line);

void lua_text_string(struct buf *out, struct str s);  /* "…", escaped */
void lua_text_comment(struct buf *out, struct str s); /* on one line */
void lua_text_value(struct buf *out, const struct rule_value *value);
void lua_text_member(struct buf *out, struct str name); /* .name or ["na-me"] */
void lua_text_glob(struct buf *out, struct str glob);   /* as a literal of a Lua pattern */
