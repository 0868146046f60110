/* usage - what a worker has used so far, and what that makes per second. Pure. */
#pragma once

#include <stdint.h>

/* Of a whole cgroup or process group, its dead members included. */
struct usage {
    uint64_t cpu_us;                  /* CPU time since it began, all cores added */
    uint64_t rss_bytes;               /* now */
    uint64_t read_bytes, write_bytes; /* from and to storage since it began */
};

struct usage_rates {
    double cpu_pct;              /* 100: one core busy all the time; in tenths */
    uint64_t rss_mb;             /* MiB */
    double io_r_mb_s, io_w_mb_s; /* MiB per second */
};

/* Counters that went backwards (a group made anew) count as no use. */
struct usage_rates usage_rates_between(const struct usage *before, const struct usage *after,
                                       uint64_t elapsed_us);
