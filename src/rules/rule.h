/*
 * rule - what a policy in YAML says, once read and checked: plain data in one arena.
 *
 * Readers (read.h) make it from the tree and tell every mistake; the writer (lua_policy.h)
 * makes Lua of it and can meet none.
 */
#pragma once

#include "base/str.h"
#include "script/script.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a path begins with. */
enum rule_subject {
    RULE_JOB,
    RULE_WORKER,
    RULE_POOL,
    RULE_TENANT,
    RULE_METRICS,
    RULE_TIME,
    RULE_SUBJECT_COUNT_,
};

enum rule_operator {
    RULE_EXISTS,
    RULE_EQ,
    RULE_NE,
    RULE_LT,
    RULE_LE,
    RULE_GT,
    RULE_GE,
    RULE_IN,
    RULE_CONTAINS,
    RULE_MATCHES,
    RULE_OPERATOR_COUNT_,
};

enum rule_value_kind { RULE_NULL, RULE_BOOL, RULE_NUMBER, RULE_TEXT };

struct rule_value {
    enum rule_value_kind kind;
    bool is_true;    /* BOOL, and RULE_EXISTS */
    bool is_integer; /* NUMBER: `integer`, else `real` */
    int64_t integer;
    double real;
    struct str text;         /* as written */
    struct rule_value *next; /* RULE_IN */
};

enum rule_expr_kind {
    RULE_ALWAYS,
    RULE_ALL, /* of `first` and those after it; of none: true */
    RULE_ANY, /* of none: false */
    RULE_NOT, /* of `first` */
    RULE_TEST,
};

/* A bit for each subject that an expression looks at. */
#define RULE_SUBJECT_BIT(subject) (1U << (subject))

struct rule_expr {
    enum rule_expr_kind kind;
    unsigned subjects; /* RULE_SUBJECT_BIT()s, of all that is below too */
    struct rule_expr *first, *next;
    /* RULE_TEST: */
    enum rule_subject subject;
    enum rule_operator op;
    struct str path; /* below the subject: "user.geo.region" */
    struct rule_value *values;
};

/* One call on a set of workers: `.filter(gpus > 1)`, `.take(3)`, `.first()`. */
struct rule_call {
    const struct rule_method *method;
    struct rule_expr *filter;  /* RULE_ARGS_FILTER */
    struct str field;          /* RULE_ARGS_FIELD: "geo.latitude" */
    struct rule_value *values; /* literals, as many as the method takes */
    struct rule_call *next;
};

enum rule_action_kind {
    RULE_DISPATCH, /* also what `select:` says */
    RULE_WAIT,
    RULE_EVICT,
    RULE_START_WORKER,
    RULE_REJECT,
    RULE_PLATFORM,
};

/* Texts are empty where the rule does not say. */
struct rule_action {
    enum rule_action_kind kind;
    struct rule_call *calls; /* DISPATCH: from the eligible workers to the one */
    int64_t duration_ms;     /* WAIT; 0: until something changes */
    struct str reason;       /* WAIT */
    struct str worker_id;    /* EVICT: this one, or */
    struct str evict_kind;   /* the one that this kind of age finds */
    struct str model_ref;    /* START_WORKER; "": the job's */
    struct str pool_id;      /* "": where there is room */
    int64_t gpu_id;          /* -1: any */
    struct str code;         /* REJECT */
    int64_t status;          /* 0: the code's usual one */
};

enum rule_mode { RULE_ENFORCE, RULE_SHADOW, RULE_OFF };

struct rule {
    struct str name;
    unsigned line, column;
    int64_t priority;
    enum rule_mode mode;
    struct rule_expr *condition;
    struct rule_action action;
};

enum rule_dialect {
    RULE_PER_JOB,   /* `rules:`: in file order, for each job */
    RULE_PER_QUEUE, /* `scheduler:`: by priority, each over the whole queue */
};

enum { RULES_MAX = 1000 };

struct rule_policy {
    enum rule_dialect dialect;
    struct script_header header;
    unsigned line; /* of the list of rules */
    struct rule *rules;
    size_t len;
};
