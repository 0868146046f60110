/*
 * vocabulary - the words of the language, each in one table row, and the nearest of them
 * to a word that is none. policies/rules.schema.json says the same words to editors;
 * schema_test.c holds the two together.
 *
 * Every table ends with a row whose name is NULL, and every row begins with its name, so
 * that one lookup serves all.
 */
#pragma once

#include "rules/rule.h"

struct rule_word {
    const char *name;
    int value;
};

extern const struct rule_word rule_subjects[];  /* enum rule_subject */
extern const struct rule_word rule_operators[]; /* enum rule_operator */
extern const struct rule_word rule_modes[];     /* enum rule_mode */
extern const struct rule_word rule_evict_kinds[];
extern const struct rule_word rule_weekdays[]; /* 0: Sunday; short and long names */

/* The fields below a subject, dotted. A trailing ".*" stands for any one key. */
extern const char *const *const rule_fields[RULE_SUBJECT_COUNT_];

/* All that a field can be, ended by NULL; NULL when it can be anything. */
const char *const *rule_field_values(enum rule_subject subject, struct str path);

enum rule_gives { RULE_GIVES_SET, RULE_GIVES_WORKER, RULE_GIVES_OTHER };
enum rule_args {
    RULE_ARGS_NONE,
    RULE_ARGS_FILTER,
    RULE_ARGS_FIELD,
    RULE_ARGS_TEXT,
    RULE_ARGS_TWO_TEXTS,
    RULE_ARGS_NUMBER,
    RULE_ARGS_JOB, /* the job being decided; may be left out */
};

/* A method of the sets of workers (POLICY-API "Sets"). */
struct rule_method {
    const char *name;
    enum rule_gives gives;
    enum rule_args args;
};
extern const struct rule_method rule_methods[];

/* What `worker_selection` may say: a method, and the field that it takes, if any. */
struct rule_selection {
    const char *name;
    const char *method;
    const char *field;
};
extern const struct rule_selection rule_selections[];

/* Rows of any of the tables above. NULL when none has that name. */
const struct rule_word *rule_word_find(const struct rule_word *table, struct str name);
const struct rule_method *rule_method_find(struct str name);
/* Underscores serve as hyphens. */
const struct rule_selection *rule_selection_find(struct str name);
bool rule_field_is_known(enum rule_subject subject, struct str path);

/* The word nearest to one that is not known: "; did you mean 'exists'?", or "". The search
 * costs; without a word, as for what is only counted, there is none. */
struct rule_hint {
    struct str word;
    size_t distance; /* of the best so far */
    char best[64];
    char text[96];
};
void rule_hint_init(struct rule_hint *hint, struct str word);
void rule_hint_offer(struct rule_hint *hint, const char *candidate);
void rule_hint_offer_rows(struct rule_hint *hint, const void *table, size_t row_size);
void rule_hint_offer_fields(struct rule_hint *hint, enum rule_subject subject, const char *prefix);
const char *rule_hint_text(struct rule_hint *hint);
