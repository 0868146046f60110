/* emitter - what the files of the emitter share. Not for others. */
#pragma once

#include "rhai/build.h"
#include "rhai/lexer.h"
#include "rhai/measure.h"

enum {
    LOCALS_MAX = 150,      /* visible at once, with those of functions around; Lua has 200 */
    LOOP_LOCALS_MAX = 185, /* up to which a loop may still take its own */
    LOOP_LOCALS = 4,       /* that Lua's `for` takes for itself */
    INLINE_KIDS_MAX = 16,  /* of a string with ${…} before it is joined from a table */
};

enum dest_kind { DEST_NONE, DEST_RETURN, DEST_VARIABLE };

/* Where a value goes. */
struct dest {
    enum dest_kind kind;
    const char *name; /* DEST_VARIABLE: in Lua */
};

/* A Lua function that is being written: a function of the script, or a `try` within one. */
struct frame {
    struct frame *up;
    const struct function *function;
    bool is_try;
    unsigned loops; /* open ones in this Lua function */
    struct dest loop_dest;
    bool returns, breaks, continues; /* said within this `try` */
    unsigned temporaries;            /* names given; of the function, not of the `try` */
    unsigned number;                 /* of its table of variables */
    bool has_table;
};

struct emitter {
    struct script *script;
    struct buf *out; /* statements of the Lua function */
    struct frame *frame;
    unsigned indent;
    unsigned locals;
    unsigned functions; /* numbered so far */
};

enum item_mode {
    ITEM_VALUE = 0,
    ITEM_COPY = 1 << 0,      /* arrays and maps are values: whoever keeps one gets a copy */
    ITEM_BOOL = 1 << 1,      /* anything else is an error */
    ITEM_TIGHT = 1 << 2,     /* an operand of a Lua operator */
    ITEM_KEPT = 1 << 3,      /* a value of a map: () too */
    ITEM_PREDICATE = 1 << 4, /* a function that must answer a bool */
    ITEM_OPERAND = 1 << 5,   /* of Lua's `and` or `or` */
};

/* One of the values that an expression is made of: a node, or Lua text. */
struct item {
    struct node *node;
    const char *lua;
    unsigned mode;
    struct str prefix;
};

/* emit_text.c: names, literals, lines. */
void emit_mark(struct buf *to, unsigned line); /* what follows is of this line of the script */
void emit_line(struct emitter *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void emit_begin_line(struct emitter *e); /* the rest goes to e->out, and a '\n' */
void emit_string(struct buf *to, struct str text);
void emit_field(struct buf *to, const char *object, struct str name); /* object.name */
void emit_literal(struct buf *to, const struct node *node);
const char *emit_format(struct emitter *e, const char *fmt, ...)
    __attribute__((format(printf, 2, 3))); /* lives as long as the script */
void emit_function_name(struct buf *to, const struct function *function);

/* A new variable, declared with `value` (NULL: none). Its name in Lua. */
const char *emit_temporary(struct emitter *e, const char *value);
const char *emit_temporary_name(struct emitter *e); /* for Lua's own declarations */
void emit_variable(struct emitter *e, struct variable *var, const char *value);
/* Only named, for Lua's own declarations: parameters and loops. */
const char *emit_variable_name(struct emitter *e, struct variable *var);

/* emit_value.c: appends the value; statements that it needs go to e->out first. */
void emit_value(struct emitter *e, struct node *node, unsigned mode, struct buf *to);
bool emit_is_operator(const struct node *node); /* of Lua's own, so that it may need parentheses */
void emit_items(struct emitter *e, struct item *items, size_t len, const char *separator,
                struct buf *to);
/* `function`(items…) at the line of `place`. */
void emit_call(struct emitter *e, const struct node *place, const char *function,
               struct item *items, size_t len, struct buf *to);
struct item *emit_kids(struct emitter *e, struct node *first, unsigned mode, size_t before,
                       size_t *ret_len); /* items with `before` free places at the front */

/* emit_access.c: what has a name: variables, properties, indexes, calls. */
void emit_name(struct emitter *e, const struct node *node, struct buf *to);
void emit_index(struct emitter *e, struct node *node, struct buf *to);
void emit_property(struct emitter *e, struct node *node, struct buf *to);
void emit_function_call(struct emitter *e, struct node *node, struct buf *to);
void emit_method(struct emitter *e, struct node *node, struct buf *to);
void emit_optional(struct emitter *e, struct node *node, struct buf *to);
void emit_assign(struct emitter *e, struct node *node);

/* emit_function.c */
void emit_closure(struct emitter *e, struct function *function, struct buf *to);
void emit_try(struct emitter *e, struct node *node);

/* emit_statement.c */
void emit_statement(struct emitter *e, struct node *node, struct dest dest);
void emit_block(struct emitter *e, struct node *block, struct dest dest);
void emit_finish(struct emitter *e, struct dest dest, const struct node *node, const char *text);
void emit_return(struct emitter *e, const char *text);
void emit_break(struct emitter *e, const char *text); /* NULL: without a value */
void emit_continue(struct emitter *e);
bool emit_open(struct emitter *e, bool is_needed); /* do … end around temporaries */
void emit_close(struct emitter *e, bool is_open, unsigned locals);

/* emit_flow.c */
void emit_if(struct emitter *e, struct node *node, struct dest dest);
void emit_switch(struct emitter *e, struct node *node, struct dest dest);
void emit_loop(struct emitter *e, struct node *node, struct dest dest);
