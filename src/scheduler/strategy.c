#include "scheduler/strategy.h"

static const struct strategy *const strategies[] = { &strategy_simple };

const struct strategy *strategy_by_name(struct str name)
{
    for (size_t i = 0; i < sizeof(strategies) / sizeof(strategies[0]); i++) {
        if (str_eq(name, strategies[i]->name))
            return strategies[i];
    }
    return NULL;
}

bool strategy_may_run(const struct worker *worker, const struct job *job)
{
    return worker_room(worker) > 0 && job_fits(job, &worker->facts);
}
