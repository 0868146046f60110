/*
 * test_world - a loop and a sandbox with the real policy host, for the tests of this folder.
 */
#pragma once

#include "release/validation.h"

struct test_world {
    struct loop *loop;
    struct sandbox *sandbox;
    struct loop_timer tick;
};

/* `host` NULL: the real one; `cpu_us` NULL: the kernel's clock. */
void test_world_open(struct test_world *w, const char *host, uint64_t (*cpu_us)(pid_t pid));
void test_world_close(struct test_world *w);

/* Run the loop until `cond`; the test's own timeout ends what never comes. */
#define RUN_UNTIL(w, cond)     \
    do {                       \
        while (!(cond))        \
            test_world_run(w); \
    } while (0)
void test_world_run(struct test_world *w);

/* CPU clocks: of a machine that gives hosts no time at all, of one that gives a quarter of what
 * they want, and of one that gives plenty. */
uint64_t test_cpu_none(pid_t pid);
uint64_t test_cpu_little(pid_t pid);
uint64_t test_cpu_plenty(pid_t pid);
