#include "supervisor/usage.h"

static double per_second(uint64_t before, uint64_t after, uint64_t elapsed_us)
{
    if (after < before || elapsed_us == 0)
        return 0;
    return (double)(after - before) * 1e6 / (double)elapsed_us;
}

/* More digits than one are noise, and make reports longer. */
static double to_tenths(double value)
{
    return (double)(uint64_t)(value * 10 + 0.5) / 10;
}

struct usage_rates usage_rates_between(const struct usage *before, const struct usage *after,
                                       uint64_t elapsed_us)
{
    const double mb = 1024.0 * 1024.0;

    return (struct usage_rates){
        .cpu_pct = to_tenths(per_second(before->cpu_us, after->cpu_us, elapsed_us) / 1e4),
        .rss_mb = after->rss_bytes >> 20,
        .io_r_mb_s = per_second(before->read_bytes, after->read_bytes, elapsed_us) / mb,
        .io_w_mb_s = per_second(before->write_bytes, after->write_bytes, elapsed_us) / mb,
    };
}
