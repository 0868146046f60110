#include "proxy/target.h"

void target_of_worker(const struct worker_facts *facts, struct target *ret)
{
    *ret = (struct target){
        .at = { .is_unix = facts->is_unix, .port = facts->is_unix ? 0 : facts->port },
        .kind = facts->kind,
        .token = facts->token,
    };
    (void)str_copy(ret->at.host, sizeof(ret->at.host), str_of(facts->address));
    (void)str_copy(ret->worker_id, sizeof(ret->worker_id), str_of(facts->id));
}

void run_timeouts_init(struct run_timeouts *t)
{
    *t = (struct run_timeouts){
        .connect_ms = 5000,
        .first_token_ms = 300000,
        .between_ms = 60000,
        .total_ms = 3600000,
    };
}
