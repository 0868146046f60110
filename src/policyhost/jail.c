#include "policyhost/jail.h"

#include "sandbox/wire.h"

#include <errno.h>
#include <limits.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

/* --- Descriptors ------------------------------------------------------------- */

bool jail_close_descriptors(void)
{
    return close_range(0, 2, 0) == 0 && close_range(WIRE_SOURCE_FD + 1, UINT_MAX, 0) == 0;
}

/* --- Limits ------------------------------------------------------------------ */

/* The address space holds the snapshot's mapping; Lua's own limit is far below `data`. The
 * stack is what Lua, its parser and ours are proven to need, several times over. */
static const struct {
    int resource;
    rlim_t limit;
} limits[] = {
    { RLIMIT_CORE, 0 },
    { RLIMIT_FSIZE, 0 },
    { RLIMIT_NPROC, 0 },
    { RLIMIT_MEMLOCK, 0 },
    { RLIMIT_MSGQUEUE, 0 },
    { RLIMIT_NOFILE, WIRE_SOURCE_FD + 1 },
    { RLIMIT_AS, 256 * 1024 * 1024 },
    { RLIMIT_DATA, 96 * 1024 * 1024 },
    { RLIMIT_STACK, 1024 * 1024 },
};

static bool set_limits(void)
{
    for (size_t i = 0; i < sizeof(limits) / sizeof(*limits); i++) {
        const struct rlimit limit = { limits[i].limit, limits[i].limit };
        if (setrlimit((__rlimit_resource_t)limits[i].resource, &limit) != 0)
            return false;
    }
    return true;
}

bool jail_limit(pid_t parent, int niceness)
{
    if (!set_limits() || prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
        return false;
    if (getppid() != parent)
        return false; /* it died before the line above */
    errno = 0;
    if (nice(niceness) == -1 && errno != 0)
        return false;
    return prctl(PR_SET_DUMPABLE, 0) == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
}

/* --- System calls ------------------------------------------------------------ */

/* `argument` is compared when `comparisons` is not 0. */
struct rule {
    int call;
    unsigned comparisons;
    struct scmp_arg_cmp arguments[2];
};

/* clock_gettime() is a call where the clock source has no vDSO; the rest of time is not. */
static const struct rule rules[] = {
    { SCMP_SYS(read), 1, { { 0, SCMP_CMP_EQ, WIRE_FD, 0 } } },
    { SCMP_SYS(write), 1, { { 0, SCMP_CMP_EQ, WIRE_FD, 0 } } },
    { SCMP_SYS(mmap),
      2,
      { { 2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0 },
        { 3, SCMP_CMP_EQ, MAP_PRIVATE | MAP_ANONYMOUS, 0 } } },
    { SCMP_SYS(madvise), 1, { { 2, SCMP_CMP_EQ, MADV_DONTNEED, 0 } } },
    { SCMP_SYS(setitimer), 1, { { 0, SCMP_CMP_EQ, ITIMER_REAL, 0 } } },
    { SCMP_SYS(brk), 0, { { 0 } } },
    { SCMP_SYS(munmap), 0, { { 0 } } },
    { SCMP_SYS(mremap), 0, { { 0 } } },
    { SCMP_SYS(clock_gettime), 0, { { 0 } } },
    { SCMP_SYS(rt_sigreturn), 0, { { 0 } } },
    { SCMP_SYS(restart_syscall), 0, { { 0 } } },
    { SCMP_SYS(exit_group), 0, { { 0 } } },
};

static bool add_rules(scmp_filter_ctx filter)
{
    for (size_t i = 0; i < sizeof(rules) / sizeof(*rules); i++) {
        const struct rule *r = &rules[i];
        if (seccomp_rule_add_exact_array(filter, SCMP_ACT_ALLOW, r->call, r->comparisons,
                                         r->arguments) != 0)
            return false;
    }
    return seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS) == 0;
}

bool jail_seal(void)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
    bool is_sealed = filter && add_rules(filter) && seccomp_load(filter) == 0;

    seccomp_release(filter);
    return is_sealed;
}
