/*
 * jail - what a policy host gives up before it reads what a stranger wrote: descriptors,
 * memory, processes, and in the end nearly all system calls. Measured and explained in
 * docs/policies/sandbox.md.
 *
 * Called once each, in this order, by a process with one thread.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

/* Close everything but descriptors 3 to 5: whatever the parent's libraries leaked. */
bool jail_close_descriptors(void);

/* Resource limits, lower priority, death with the parent, no debugger, no new privileges.
 * False: a limit could not be set, or the parent (`parent`) has gone already. */
bool jail_limit(pid_t parent, int niceness);

/* From here on only what answering takes: reading and writing descriptor 3, private memory,
 * one timer, the clock, the end. Anything else kills the process. False: the kernel refuses
 * filters, and nothing has changed. */
bool jail_seal(void);
