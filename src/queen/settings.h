/*
 * settings - `--set NAME=VALUE` as policies read it (context.config, setting()): true, false
 * and numbers as such, everything else as text. Those that the built-in policy reads must be
 * what it understands (policy/knobs.h); others are for policies of the operator's own.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/option.h"
#include "snapshot/live.h"

struct settings {
    struct arena memory;
    struct snap_option items[SNAP_CONFIG_MAX];
    size_t len;
};

/* ERR_INVALID names the one that is wrong; the last of equal names wins. `builtin_only`: no
 * other policy will ever read them, so that an unknown name is wrong, too. */
MUST_CHECK int settings_read(struct settings *s, const struct option_list *pairs, bool builtin_only,
                             struct err *err);
/* Logs those that the built-in policy does not know: they may be misspelt. */
void settings_log_unknown(const struct settings *s);
void settings_free(struct settings *s); /* not after a failure */
