/*
 * settings - `--set NAME=VALUE` as policies read it (context.config, setting()): true, false
 * and numbers as such, everything else as text.
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

/* ERR_INVALID names the one that is wrong; the last of equal names wins. */
MUST_CHECK int settings_read(struct settings *s, const struct option_list *pairs, struct err *err);
void settings_free(struct settings *s);
