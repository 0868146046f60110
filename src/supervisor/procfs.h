/*
 * procfs - what /proc says about processes: parsers of single files (pure, fuzzed),
 * and the use of whole process groups where no cgroup counts it (supervisor/cgroup.h
 * is the better source).
 */
#pragma once

#include "base/str.h"
#include "supervisor/usage.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* The part of /proc/PID/stat that counts. */
struct proc_stat {
    pid_t pid, pgrp;
    char state;           /* 'R', 'S', 'T' stopped, 'Z' dead and not yet reaped, ... */
    uint64_t cpu_ticks;   /* user and system time */
    uint64_t start_ticks; /* since boot; with the pid it names a process for good */
};

/* False, with *ret untouched, for anything that is not such a file. The command name in
 * it may hold blanks and parentheses. */
bool procfs_parse_stat(struct str text, struct proc_stat *ret);

/* VmRSS of /proc/PID/status; false when absent (a zombie, a kernel thread). */
bool procfs_parse_rss(struct str text, uint64_t *ret_bytes);

/* /proc/PID/io: what really went from and to storage. */
bool procfs_parse_io(struct str text, uint64_t *ret_read_bytes, uint64_t *ret_write_bytes);

/*
 * The value of the first of `names` (NULL-terminated, "--model-ref") in a command line of
 * NUL-separated words: "--name VALUE" or "--name=VALUE". False when none is there, or the
 * value is empty or longer than `size`.
 */
bool procfs_cmdline_option(struct str cmdline, const char *const *names, char *ret, size_t size);

enum { PROC_GROUP_MEMBERS_MAX = 4096 }; /* beyond: the others are not counted */

/* One process group over time. `total` outlives its members. */
struct proc_group {
    pid_t pgid;
    struct usage total;
    struct proc_member *members; /* private: who was there at the last look */
    size_t members_len;
};

void proc_group_init(struct proc_group *g, pid_t pgid);
void proc_group_deinit(struct proc_group *g);

/*
 * Look at every process under `root` ("/proc") once and bring `groups` up to date. What
 * cannot be read (another user's io file, a process that has just gone) counts as
 * nothing. Blocking: for a thread of its own.
 */
void proc_groups_sample(const char *root, struct proc_group **groups, size_t groups_len);
