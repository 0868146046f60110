/*
 * sampler - what each worker uses, once a second: from its cgroup where it has one, else
 * from its process group in /proc. Reads on the thread pool, so that a slow
 * kernel file never holds the loop.
 */
#pragma once

#include "supervisor/cgroup.h"
#include "supervisor/usage.h"

#include <stddef.h>
#include <sys/types.h>

struct loop;
struct sampler;

struct sampler_target {
    pid_t pgid;
    char cgroup[CGROUP_PATH_SIZE]; /* "" : none */
};

/* Rates since the sample before; not told for a target's first one. */
typedef void sampler_fn(void *data, pid_t pgid, const struct usage_rates *rates);

/* `proc_root` is borrowed ("/proc"). */
struct sampler *sampler_new(struct loop *loop, const char *proc_root, sampler_fn *on_rates,
                            void *data);
void sampler_free(struct sampler *s); /* no callback follows; NULL is fine */

/* Sample these and forget all others. Does nothing while the last call's reading
 * goes on. `targets` is copied. */
void sampler_look(struct sampler *s, const struct sampler_target *targets, size_t targets_len);
