/*
 * test_template - a template of policies/templates/ in a policy's state, for the test of all of
 * them. Its header names none of our JSON, whose names are also those of the test's oracle.
 */
#pragma once

#include "base/buf.h"
#include "script/script.h"

struct template
{
    char file[256];
    const char *mark; /* of a comment */
    struct buf source;
    enum script_language language;
    struct template_state *state;
};

/* Read it from its folder. */
void template_open(struct template *t, const char *folder, const char *file);
void template_close(struct template *t);

/* A new policy over a world that is still empty, beside the platform policy. */
void template_load(struct template *t);
void template_unload(struct template *t);

void template_see(struct template *t, const char *context); /* JSON; the world from now on */

/* What it decides about the first job, or the queue, into `ret` as JSON; it must make sense. */
void template_ask(struct template *t, struct buf *ret);
