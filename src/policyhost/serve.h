/*
 * serve - the work of a policy host: load one policy, then answer questions about the
 * snapshot until the queen hangs up.
 *
 * There is one host in a process, and it ends with it: nothing here is freed.
 */
#pragma once

#include "policy/policy.h"

struct serve_options {
    enum script_language language;
    size_t memory_bytes; /* of Lua heap */
    unsigned soft_ms;    /* a call is interrupted after this */
    bool want_text;      /* send the Lua text, too */
    bool needs_no_seccomp;
    const char *name;
};

struct serve;

/* Take in descriptors 4 and 5, and close them. NULL: they are not what they should be. */
struct serve *serve_prepare(const struct serve_options *options);

/* Load the policy, tell the queen, answer until it hangs up. Returns how the process shall
 * exit: 0, or WIRE_EXIT_NONSENSE. */
int serve_run(struct serve *s, bool has_seccomp);
