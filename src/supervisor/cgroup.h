/*
 * cgroup - a cgroup (version 2) per worker, where this process may make one: counts what
 * the worker and all its children use, and ends all of them at once.
 *
 * Not every machine lets us: the caller goes on with process groups and supervisor/procfs.h
 * then. What decides is a directory that lists the memory and cpu controllers and in
 * which children can be made and given these, not a mount: a machine may mount an empty
 * version 2 beside version 1. Functions that parse are pure, and fuzzed.
 */
#pragma once

#include "base/err.h"
#include "base/str.h"
#include "supervisor/usage.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { CGROUP_PATH_SIZE = 512 };

struct cgroup_tree {
    char path[CGROUP_PATH_SIZE]; /* the directory that holds our groups */
};

/*
 * Find this process's group and make it ready to hold workers' groups. Since a group
 * with children that are counted may hold no process itself, `self` moves into a leaf
 * of its own, and back when it cannot be done after all. `mount` is "/sys/fs/cgroup",
 * `membership` the text of /proc/self/cgroup.
 * Errors: ERR_UNSUPPORTED with the reason: go on without.
 */
MUST_CHECK int cgroup_tree_open(const char *mount, struct str membership, pid_t self,
                                struct cgroup_tree *ret, struct err *err);

/* Remove the empty groups that a crashed hive left behind. */
void cgroup_tree_sweep(const struct cgroup_tree *tree);

/* A group for the worker `id`; its directory goes to ret_path. ERR_SYSTEM, ERR_LIMIT. */
MUST_CHECK int cgroup_make(const struct cgroup_tree *tree, const char *id,
                           char ret_path[CGROUP_PATH_SIZE], struct err *err);

/* Move a process, with all its threads. Its later children are born there. ERR_SYSTEM. */
MUST_CHECK int cgroup_enter(const char *path, pid_t pid, struct err *err);

/* SIGKILL for every process in it (Linux 5.14 or later; ERR_SYSTEM on older ones). */
MUST_CHECK int cgroup_kill(const char *path, struct err *err);

/* False while there are processes in it. */
bool cgroup_remove(const char *path);

/* On failure `ret` is untouched. Errors: ERR_SYSTEM (the group may be gone),
 * ERR_UPSTREAM when a file holds no number. Disk figures stay 0 without the io controller. */
MUST_CHECK int cgroup_read_usage(const char *path, struct usage *ret, struct err *err);

/* The path of version 2 ("0::/a/b") in /proc/self/cgroup; false when there is none. */
bool cgroup_parse_membership(struct str text, struct str *ret);

/* Is `name` among the words of cgroup.controllers? */
bool cgroup_parse_controllers(struct str text, const char *name);

bool cgroup_parse_cpu(struct str text, uint64_t *ret_us); /* cpu.stat */

/* io.stat: a line per device, "8:0 rbytes=1 wbytes=2 ...". The sums; 0 for no line. */
void cgroup_parse_io(struct str text, uint64_t *ret_read_bytes, uint64_t *ret_write_bytes);
