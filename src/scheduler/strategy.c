#include "scheduler/strategy.h"

bool strategy_may_run(const struct worker *worker, const struct job *job)
{
    return worker_room(worker) > 0 && job_fits(job, &worker->facts);
}
