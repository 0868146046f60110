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

/* A world in which whoever is too slow is to blame, whatever else this machine is doing.
 * `host` NULL: the real one. */
void test_world_open(struct test_world *w, const char *host);
void test_world_close(struct test_world *w);
const char *test_host_path(void); /* the real one */

/* Run the loop until `cond`; the test's own timeout ends what never comes. */
#define RUN_UNTIL(w, cond)     \
    do {                       \
        while (!(cond))        \
            test_world_run(w); \
    } while (0)
void test_world_run(struct test_world *w);
