/*
 * knobs - the settings of the built-in policy: which there are, and what each may be. Its text
 * (policies/platform.lua) has their defaults, docs/policies/platform.md what they mean; tests
 * compare the three.
 */
#pragma once

#include "base/err.h"
#include "base/str.h"

enum knob_type {
    KNOB_WHOLE,  /* a whole number from 0 to `max` */
    KNOB_NUMBER, /* any number from 0 to `max` */
    KNOB_SWITCH, /* true or false */
    KNOB_WORD,   /* one of `words` */
};

struct knob {
    const char *name;
    enum knob_type type;
    double max;
    const char *words; /* "one|two" */
};
extern const struct knob knobs[]; /* up to one without a name */

const struct knob *knob_find(struct str name); /* NULL: none is called so */
/* `json`: the value as policies read it. ERR_INVALID says what the knob may be. */
MUST_CHECK int knob_check(const struct knob *k, const char *json, struct err *err);
