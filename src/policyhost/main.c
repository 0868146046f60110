/*
 * rbee-policy-host - one user policy in a process of its own, that can do nothing but answer.
 *
 * Started by the queen (sandbox/process.c) with descriptors 3 to 5 and the arguments of
 * enum wire_argument; of no use by hand. Whatever goes wrong before the policy is read is an
 * exit code: there is nobody to tell, and nothing to tell it by.
 */
#include "base/parse.h"
#include "policyhost/jail.h"
#include "policyhost/serve.h"
#include "sandbox/wire.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

/* Each is within what an unsigned holds: the queen wrote it. */
static bool read_number(const char *text, uint64_t max, uint64_t *ret)
{
    return parse_u64_str(str_of(text), ret) && *ret <= max;
}

static bool read_arguments(char **argv, struct serve_options *ret, pid_t *ret_parent,
                           int *ret_niceness)
{
    enum { NICE_MAX = 19 };
    uint64_t memory, soft_ms, niceness, parent;

    if (!script_language_parse(str_of(argv[WIRE_ARG_LANGUAGE]), &ret->language) ||
        !read_number(argv[WIRE_ARG_MEMORY], UINT32_MAX, &memory) ||
        !read_number(argv[WIRE_ARG_SOFT_MS], UINT32_MAX, &soft_ms) ||
        !read_number(argv[WIRE_ARG_NICENESS], NICE_MAX, &niceness) ||
        !read_number(argv[WIRE_ARG_PARENT], INT32_MAX, &parent))
        return false;
    ret->memory_bytes = memory;
    ret->soft_ms = (unsigned)soft_ms;
    ret->want_text = strchr(argv[WIRE_ARG_FLAGS], WIRE_FLAG_TEXT) != NULL;
    ret->needs_no_seccomp = strchr(argv[WIRE_ARG_FLAGS], WIRE_FLAG_NO_SECCOMP) != NULL;
    ret->name = argv[WIRE_ARG_NAME];
    *ret_parent = (pid_t)parent;
    *ret_niceness = (int)niceness;
    return true;
}

/* Static, glibc's time() is a system call of its own, and a Lua state begins with one: this
 * takes the clock that the filter allows. */
time_t time(time_t *ret)
{
    struct timespec now = { 0 };

    (void)clock_gettime(CLOCK_REALTIME_COARSE, &now);
    if (ret)
        *ret = now.tv_sec;
    return now.tv_sec;
}

int main(int argc, char **argv)
{
    static const char usage[] = "rbee-policy-host is started by queen-rbee alone\n";
    struct serve_options options;
    pid_t parent;
    int niceness;

    if (argc != WIRE_ARG_COUNT_ || !read_arguments(argv, &options, &parent, &niceness)) {
        (void)!write(STDERR_FILENO, usage, sizeof(usage) - 1);
        return WIRE_EXIT_USAGE;
    }
    if (!jail_close_descriptors() || !jail_limit(parent, niceness))
        return WIRE_EXIT_LIMITS;
    struct serve *s = serve_prepare(&options);
    if (!s)
        return WIRE_EXIT_DESCRIPTORS;
    _exit(serve_run(s, jail_seal())); /* nothing is left to tidy up, and no call to do it with */
}
