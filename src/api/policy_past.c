#include "api/policy_past.h"

void past_init(struct past *past)
{
    *past = (struct past){ .region = region_new(sizeof(struct snapshot), 0, NULL) };
}

void past_deinit(struct past *past)
{
    policy_free(past->platform);
    region_free(past->region);
    *past = (struct past){ 0 };
}

const struct snapshot *past_look(struct past *past, const struct policies *p,
                                 const struct trace_record *record)
{
    uint64_t version = trace_region_version(record);
    struct err err;

    if (version == 0 ||
        !region_restore(live_region(platform_live(p->platform)), version, past->region))
        return NULL;
    if (!past->platform)
        past->platform = platform_over(region_bytes(past->region), &err);
    return region_bytes(past->region);
}
