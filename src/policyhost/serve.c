#include "policyhost/serve.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/mem.h"
#include "policy/platform.h"
#include "policyhost/overlay.h"
#include "sandbox/wire.h"
#include "snapshot/carry.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

/* How often the clock ticks while there is work: what is answered by then goes out, and a
 * question that has taken too long is interrupted. */
enum { TICK_MS = 2 };

struct serve {
    struct serve_options options;
    struct overlay overlay;
    const struct snapshot *snapshot; /* through it */
    struct str source;
    struct policy *policy;
    struct buf out;
    struct policy_call calls[WIRE_CALLS_MAX];
    struct policy_answer answer;
    struct wire_loaded loaded; /* its diagnostics also when refused */
    char in[WIRE_MESSAGE_BYTES_MAX];

    /* For the tick, which may come at any instruction. */
    volatile sig_atomic_t ticks, is_working, is_in_policy;
    uint64_t begun_us; /* the question that the policy is at */
};

/* --- The clock ------------------------------------------------------------------ */

static struct serve *serving; /* for the signal alone, which is told nothing else */

static bool has_answers(const struct serve *s)
{
    return buf_len(&s->out) > 1; /* more than the kind of message */
}

/* The queen has hung up, or what we wrote does not fit: either way it is over. */
static bool send_message(struct serve *s, bool is_written)
{
    struct str m = buf_str(&s->out);

    return is_written && write(WIRE_FD, m.p, m.len) == (ssize_t)m.len;
}

/* Nothing is allocated by this: a signal does it. */
static bool send_answers(struct serve *s)
{
    bool is_sent = send_message(s, true);

    wire_begin_answers(&s->out);
    return is_sent;
}

static void set_clock(struct serve *s, unsigned ms)
{
    const struct itimerval timer = {
        .it_interval = { .tv_usec = (suseconds_t)ms * 1000 },
        .it_value = { .tv_usec = (suseconds_t)ms * 1000 },
    };

    s->ticks = ms > 0;
    (void)setitimer(ITIMER_REAL, &timer, NULL);
}

/* It ticks on from one message to the next, and stops by itself when none came. */
static void on_tick(int signum)
{
    struct serve *s = serving;
    int saved = errno;

    (void)signum;
    if (!s->is_working) {
        set_clock(s, 0);
    } else if (s->is_in_policy) {
        if (has_answers(s) && !send_answers(s))
            _exit(WIRE_EXIT_NONSENSE);
        if (clock_mono_us() - s->begun_us >= (uint64_t)s->options.soft_ms * 1000)
            policy_interrupt(s->policy);
    }
    errno = saved;
}

/* --- What stands ready before the door is shut -------------------------------- */

static bool map_snapshot(struct serve *s)
{
    bool is_open = overlay_open(&s->overlay, WIRE_SNAPSHOT_FD);

    (void)close(WIRE_SNAPSHOT_FD);
    s->snapshot = overlay_snapshot(&s->overlay);
    return is_open;
}

/* The offset is shared with other hosts of this policy: pread(). */
static bool read_source(struct str *ret)
{
    struct stat st;
    size_t len = 0;
    ssize_t n;

    if (fstat(WIRE_SOURCE_FD, &st) != 0 || st.st_size > WIRE_SOURCE_BYTES_MAX)
        return false;
    size_t size = (size_t)st.st_size;
    char *text = mem_alloc(size + 1, 1);
    while (len < size && (n = pread(WIRE_SOURCE_FD, text + len, size - len, (off_t)len)) > 0)
        len += (size_t)n;
    (void)close(WIRE_SOURCE_FD);
    *ret = (struct str){ text, len };
    return len == size;
}

static int compare_bytes(const void *a, const void *b)
{
    return memcmp(a, b, 1);
}

/* What takes calls that will be forbidden: a handler, the size of the memory, which glibc
 * looks up at the first large qsort(), and the seed of hash tables. */
static bool warm_up(void)
{
    enum { LARGE = 2048 };
    const struct sigaction action = { .sa_handler = on_tick, .sa_flags = SA_RESTART };
    char bytes[LARGE] = { 0 };

    qsort(bytes, LARGE, 1, compare_bytes);
    (void)hash_bytes(bytes, LARGE);
    return sigaction(SIGALRM, &action, NULL) == 0;
}

struct serve *serve_prepare(const struct serve_options *options)
{
    struct serve *s = mem_alloc(1, sizeof(*s));

    s->options = *options;
    buf_init(&s->out, WIRE_MESSAGE_BYTES_MAX);
    return map_snapshot(s) && read_source(&s->source) && warm_up() ? s : NULL;
}

/* --- Loading ----------------------------------------------------------------- */

static bool send_text(struct serve *s)
{
    enum { PIECE_BYTES = 48 * 1024, PIECE_LINES = 8 * 1024 };
    const struct script_lua *lua = policy_lua(s->policy);
    struct str text = buf_str(&lua->text);
    size_t at = 0, line = 0;
    bool is_last;

    do {
        size_t bytes = text.len - at < PIECE_BYTES ? text.len - at : PIECE_BYTES;
        size_t lines =
            lua->line_map_len - line < PIECE_LINES ? lua->line_map_len - line : PIECE_LINES;
        is_last = at + bytes == text.len && line + lines == lua->line_map_len;
        const uint32_t *map = lines > 0 ? lua->line_map + line : NULL;
        if (!send_message(
                s, wire_put_text(&s->out, (struct str){ text.p + at, bytes }, map, lines, is_last)))
            return false;
        at += bytes;
        line += lines;
    } while (!is_last);
    return true;
}

/* The built-in policy, in a state of its own: no script can spoil it for itself. */
static struct policy *load_platform(struct serve *s, struct diagnostics *d)
{
    const struct policy_options options = { .snapshot = s->snapshot, .is_platform = true };
    const struct str source = { platform_source, platform_source_len };

    return policy_new(&options, SCRIPT_LUA, source, "platform.lua", d);
}

static bool load(struct serve *s)
{
    struct diagnostics *d = &s->loaded.diagnostics;
    uint64_t begin_us = clock_mono_us();
    const struct policy_options options = {
        .snapshot = s->snapshot,
        .memory_bytes_max = s->options.memory_bytes,
        .platform = load_platform(s, d),
        .platform_source = { platform_source, platform_source_len },
    };

    if (!options.platform)
        return false;
    s->policy = policy_new(&options, s->options.language, s->source, s->options.name, d);
    if (!s->policy)
        return false;
    s->loaded.info = *policy_info(s->policy);
    s->loaded.memory_bytes = policy_memory_bytes(s->policy);
    s->loaded.load_us = clock_mono_us() - begin_us;
    return true;
}

/* --- Answering --------------------------------------------------------------- */

static uint64_t call_timed(struct serve *s, const struct policy_call *call)
{
    s->begun_us = clock_mono_us();
    atomic_signal_fence(memory_order_seq_cst);
    s->is_in_policy = 1;
    policy_call(s->policy, call, &s->answer);
    s->is_in_policy = 0;
    atomic_signal_fence(memory_order_seq_cst);
    return clock_mono_us() - s->begun_us;
}

/* Garbage is nobody's fault, what is kept is: the queen is told what a collection leaves,
 * and replaces a host whose heap stays high. */
static void count_memory(struct serve *s)
{
    if (s->answer.memory_bytes <= s->options.memory_bytes / 2)
        return;
    policy_collect(s->policy);
    s->answer.memory_bytes = policy_memory_bytes(s->policy);
}

/* Let the questions behind this one see what was answered. False: only the queen can tell what
 * comes of it, so that they are to be asked again. */
static bool carry_answer(struct serve *s, const struct carry *carry, const struct policy_call *call)
{
    const struct policy_answer *a = &s->answer;

    if (a->failure != POLICY_OK || !overlay_has_room(&s->overlay))
        return false;
    if (call->kind == ASK_JOB)
        return carry_decisions(carry, call->job, &a->decisions);
    if (a->yes && call->kind != ASK_OUTCOME)
        carry_let_in(carry, call->job);
    return true;
}

/* Those of a message, in their order, each with what the ones before it decided. What is not
 * sent on the way is sent at the end. */
static bool answer_calls(struct serve *s, uint64_t seq, size_t len)
{
    const struct carry carry = { s->snapshot, overlay_put, &s->overlay };
    struct wire_answer_head head = { .seq = seq };

    wire_begin_answers(&s->out);
    for (size_t i = 0; i < len && !head.is_last; i++, head.seq++) {
        const struct policy_call *call = &s->calls[i];

        if (i > 0)
            carry_asked(&carry, call->job);
        head.time_us = call_timed(s, call);
        count_memory(s);
        head.is_last = i + 1 < len && !carry_answer(s, &carry, call);
        if (!wire_add_answer(&s->out, &head, &s->answer))
            return false;
        if (buf_len(&s->out) > WIRE_ANSWERS_BYTES && !send_answers(s))
            return false;
    }
    return !has_answers(s) || send_answers(s);
}

static bool answer_message(struct serve *s, struct str message)
{
    uint64_t seq;
    size_t len;

    if (!wire_get_calls(message, &seq, s->calls, &len) || s->snapshot->header.layout != SNAP_LAYOUT)
        return false;
    s->is_working = 1;
    if (!s->ticks)
        set_clock(s, TICK_MS);
    bool is_well = answer_calls(s, seq, len);
    s->is_working = 0;
    overlay_clear(&s->overlay);
    return is_well;
}

static int answer_all(struct serve *s)
{
    ssize_t n;

    while ((n = read(WIRE_FD, s->in, sizeof(s->in))) > 0) {
        if (!answer_message(s, (struct str){ s->in, (size_t)n }))
            return WIRE_EXIT_NONSENSE;
    }
    return 0;
}

int serve_run(struct serve *s, bool has_seccomp)
{
    s->loaded.has_seccomp = has_seccomp;
    if (!has_seccomp && !s->options.needs_no_seccomp)
        return send_message(s, wire_put_loaded(&s->out, &s->loaded)) ? 0 : WIRE_EXIT_NONSENSE;
    if (!load(s))
        return send_message(s, wire_put_refused(&s->out, &s->loaded.diagnostics))
                   ? 0
                   : WIRE_EXIT_NONSENSE;
    serving = s;
    if ((s->options.want_text && !send_text(s)) ||
        !send_message(s, wire_put_loaded(&s->out, &s->loaded)))
        return WIRE_EXIT_NONSENSE;
    return answer_all(s);
}
