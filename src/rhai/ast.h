/*
 * ast - what a Rhai script says, as a tree.
 *
 * All of one compilation lives in one arena and goes with it. Nodes are made by the parser,
 * told apart by resolve.h (which variable a name means) and measure.h (what shape it must
 * take in Lua), and read once by the emitter.
 */
#pragma once

#include "base/arena.h"
#include "base/map.h"
#include "base/str.h"
#include "script/script.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    RHAI_DEPTH_MAX = 64,   /* of nested expressions and blocks, as Rhai itself has it */
    RHAI_HEIGHT_MAX = 400, /* of a tree: a + b + … leans left and is not nested */
    RHAI_NODES_MAX = 200000,
    RHAI_ARGUMENTS_MAX = 32, /* and parameters */
    RHAI_ARENA_BYTES_MAX = 64 * 1024 * 1024,
};

enum node_kind {
    NODE_UNIT,
    NODE_BOOL,     /* integer: 0 or 1 */
    NODE_INT,      /* integer */
    NODE_FLOAT,    /* real */
    NODE_STRING,   /* text: the characters themselves */
    NODE_TEMPLATE, /* kids: strings and what stands between them */
    NODE_ARRAY,    /* kids: items */
    NODE_MAP,      /* kids: NODE_ENTRY */
    NODE_ENTRY,    /* text: the key; first: the value */
    NODE_NAME,     /* symbol; var once resolved, or NULL: the host's */
    NODE_GLOBAL,   /* symbol: global::X */
    NODE_THIS,
    NODE_CLOSURE,  /* function */
    NODE_CALL,     /* symbol; kids: arguments */
    NODE_METHOD,   /* symbol; kids: receiver, arguments */
    NODE_PROPERTY, /* text: the name; first: the object */
    NODE_INDEX,    /* kids: object, index */
    NODE_UNARY,    /* op; first */
    NODE_BINARY,   /* op; kids: two */
    NODE_LOGIC,    /* op: && or ||; kids: two or more */
    NODE_COALESCE, /* kids: two */
    NODE_RANGE,    /* op: .. or ..=; kids: two */
    NODE_IN,       /* kids: item, container; FLAG_NEGATED for !in */
    NODE_LUA,      /* text: Lua, made by the emitter */
    /* Statements; those up to NODE_FOR are values too. */
    NODE_BLOCK,  /* kids: statements */
    NODE_IF,     /* kids: condition, block, condition, block …, the last block alone: else */
    NODE_SWITCH, /* first: the value; then NODE_ARM */
    NODE_ARM,    /* kids: NODE_CASE …, then the guard when FLAG_GUARDED, then the body */
    NODE_CASE,   /* first: a literal or a range; none: _ */
    NODE_WHILE,  /* kids: condition, block */
    NODE_LOOP,   /* first: block */
    NODE_DO,     /* kids: block, condition; FLAG_NEGATED for until */
    NODE_FOR,    /* var, counter; kids: what to walk, block */
    NODE_LET,    /* var; first: the value, or none */
    NODE_ASSIGN, /* op: the operator before '=', or TOKEN_ASSIGN; kids: target, value */
    NODE_RETURN, /* first: the value, or none */
    NODE_BREAK,  /* the same */
    NODE_CONTINUE,
    NODE_THROW, /* first: the value, or none */
    NODE_TRY,   /* var: of catch, or NULL; kids: block, block */
    NODE_KIND_COUNT_,
};

enum node_flag {
    FLAG_OPTIONAL = 1 << 0, /* ?. or ?[ */
    FLAG_PAREN = 1 << 1,    /* stood in parentheses */
    FLAG_NEGATED = 1 << 2,
    FLAG_GUARDED = 1 << 3,
    FLAG_CONST = 1 << 4,     /* of NODE_LET */
    FLAG_CONTINUES = 1 << 5, /* a loop that `continue` is said in */
    /* By measure.h: */
    FLAG_STATEMENTS = 1 << 6, /* needs Lua statements before its value */
};

struct symbol; /* an identifier, interned */
struct node;

struct variable {
    struct symbol *symbol;
    struct variable *shadowed;  /* of the same name, farther out */
    struct variable *enclosing; /* the one declared before, in this or an outer scope */
    struct function *owner;
    const char *lua; /* its name in the Lua text, or NULL before its declaration */
    bool is_const;
    bool is_captured; /* by a closure */
    unsigned depth;   /* 1, and more for each of the name that it hides */
};

struct function {
    struct symbol *symbol;      /* NULL: a closure, or the script itself */
    struct function *next;      /* of the script */
    struct function *same_name; /* with another number of parameters */
    struct function *up;        /* closures: the function around */
    struct variable **params;
    unsigned params_len;
    unsigned line, column;
    struct node *body;
    bool uses_this;
    bool assigns_this;
};

struct symbol {
    struct str text;
    struct variable *top;        /* the innermost one visible now */
    struct variable *script_var; /* declared outside of functions */
    struct function *functions;  /* of this name, by `same_name` */
};

struct node {
    uint8_t kind; /* enum node_kind */
    uint8_t op;   /* enum token_kind */
    uint16_t flags;
    uint16_t height;
    uint16_t registers;        /* what its Lua text takes at once */
    uint16_t text_levels;      /* how deep its Lua text nests */
    uint16_t statement_levels; /* how deep the statements before it nest */
    uint32_t line, column;
    struct node *first, *last; /* kids */
    struct node *next;         /* sibling */
    struct str text;
    union {
        int64_t integer;
        double real;
        struct variable *var;
        struct function *function;
    };
    union {
        struct symbol *symbol;
        struct variable *counter;
    };
};

/* One compilation. */
struct script {
    struct arena arena;
    struct map symbols;
    struct diagnostics *diagnostics; /* borrowed */
    struct function *functions;      /* in order of their text */
    struct function **functions_end;
    struct function main; /* what stands outside of functions */
    unsigned nodes_count;
    bool mutates; /* something changes arrays or maps in place, so that copies are needed */
};
