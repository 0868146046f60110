/* engine.h for a build without llama.cpp's headers: everything links, nothing opens. */
#include "engine/engine.h"

#include <stdlib.h>

#define NOT_BUILT                                                                           \
    "this program was built without the inference engine; run `make engine` in the source " \
    "tree (npm packages node-llama-cpp@3.22.1 for the headers, "                            \
    "@node-llama-cpp/linux-x64@3.22.1 for the libraries), then `make`"

int engine_lib_find(const char *given, char *ret, size_t size, struct err *err)
{
    (void)given;
    (void)ret;
    (void)size;
    return err_set(err, ERR_UNAVAILABLE, NOT_BUILT);
}

int engine_open(struct loop *loop, const struct engine_options *options, struct engine **ret,
                struct err *err)
{
    (void)loop;
    (void)options;
    (void)ret;
    return err_set(err, ERR_UNAVAILABLE, NOT_BUILT);
}

void engine_close(struct engine *e)
{
    (void)e;
}

/* No engine can exist, so nothing below is ever reached. */

const struct engine_facts *engine_get_facts(const struct engine *e)
{
    (void)e;
    abort();
}

void engine_get_stats(struct engine *e, struct engine_stats *ret)
{
    (void)e;
    (void)ret;
    abort();
}

int engine_submit(struct engine *e, const struct engine_run_options *options,
                  struct engine_run **ret, struct err *err)
{
    (void)e;
    (void)options;
    (void)ret;
    (void)err;
    abort();
}

void engine_run_cancel(struct engine_run *run)
{
    (void)run;
    abort();
}

void engine_run_pause(struct engine_run *run)
{
    (void)run;
    abort();
}

void engine_run_resume(struct engine_run *run)
{
    (void)run;
    abort();
}
