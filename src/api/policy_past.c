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

static void put(void *data, size_t off, const void *bytes, size_t len)
{
    region_put(data, off, bytes, len);
}

bool past_restore(struct region *ret, const struct policies *p, const struct trace_record *record)
{
    const struct region *live = live_region(platform_live(p->platform));
    const struct carry carry = { region_bytes(ret), put, ret };
    uint64_t version = trace_region_version(record);

    return version != 0 && region_restore(live, version, ret) &&
           trace_carry(p->trace, record, &carry);
}

const struct snapshot *past_look(struct past *past, const struct policies *p,
                                 const struct trace_record *record)
{
    struct err err;

    if (!past_restore(past->region, p, record))
        return NULL;
    if (!past->platform)
        past->platform = platform_over(region_bytes(past->region), &err);
    return region_bytes(past->region);
}
