/* options - what the queen can be told, and its way into a queen_config. */
#pragma once

#include "api/queen.h"
#include "base/option_common.h"

struct queen_options {
    struct option_common common;
    struct option_list workers;          /* static workers */
    struct option_list worker_addresses; /* allowed in heartbeats */
    struct option_list hosts;
    char *hive_token_file, *admin_token_file;
    int mode;
    char *scheduler, *policies_dir, *policy_host;
    struct option_list settings; /* --set NAME=VALUE */
    bool unsandboxed_policies;
    int64_t queue_max, attempts, connections;
    uint64_t queue_bytes, body_bytes, bodies_bytes;
    uint64_t queue_timeout_ms, connect_timeout_ms, first_token_timeout_ms, token_timeout_ms,
        total_timeout_ms, drain_ms;
};

extern const struct option_program queen_program;

/*
 * The checked configuration of the core and its effects. ERR_INVALID names the option.
 * What `ret` points at is borrowed from `o`.
 */
MUST_CHECK int queen_options_config(const struct queen_options *o, struct queen_config *ret,
                                    struct err *err);
