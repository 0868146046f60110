/*
 * A policy host that misbehaves, for sandbox_test.c: what it does is the policy's name. The
 * queen must be up to all of it, as if a stranger had taken the real one over.
 */
#include "base/mem.h"
#include "sandbox/wire.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>

static struct policy_answer answer;
static struct wire_loaded loaded = { .has_seccomp = true };
static char message[4 * WIRE_MESSAGE_BYTES_MAX];

static void say(struct str text)
{
    (void)send(WIRE_FD, text.p, text.len, MSG_NOSIGNAL);
}

static void say_loaded(struct buf *b)
{
    loaded.info.entry = POLICY_ENTRY_SCHEDULE;
    if (wire_put_loaded(b, &loaded))
        say(buf_str(b));
}

/* Every descriptor beyond those that a host is given, by number. */
static void list_descriptors(char *ret, size_t size)
{
    DIR *dir = opendir("/proc/self/fd");
    const struct dirent *entry;
    size_t len = 0;

    while (dir && (entry = readdir(dir)) && len < size) {
        long fd = strtol(entry->d_name, NULL, 10);
        if (fd > WIRE_SOURCE_FD && fd != dirfd(dir))
            len += (size_t)snprintf(ret + len, size - len, "%ld ", fd);
    }
    if (dir)
        (void)closedir(dir);
}

/* The questions of the message being answered. */
static struct policy_call calls[WIRE_CALLS_MAX];
static size_t calls_len;

static void say_answers(struct buf *b, uint64_t seq, size_t len)
{
    bool fits = true;

    wire_begin_answers(b);
    for (size_t i = 0; i < len && fits; i++) {
        const struct wire_answer_head head = { .seq = seq + i, .time_us = 1 };
        fits = wire_add_answer(b, &head, &answer);
    }
    if (fits)
        say(buf_str(b));
}

static void answer_well(struct buf *b, uint64_t seq)
{
    say_answers(b, seq, calls_len);
}

static void answer_too_many(struct buf *b, uint64_t seq)
{
    say_answers(b, seq, calls_len + 1);
}

/* One after the other, but for the last. */
static void answer_too_few(struct buf *b, uint64_t seq)
{
    for (size_t i = 0; i + 1 < calls_len; i++)
        say_answers(b, seq + i, 1);
    _exit(0);
}

/* The last of them says that nothing follows, and is followed. */
static void answer_beyond_the_last(struct buf *b, uint64_t seq)
{
    struct wire_answer_head head = { .seq = seq, .is_last = true };

    wire_begin_answers(b);
    (void)wire_add_answer(b, &head, &answer);
    head.seq++;
    (void)wire_add_answer(b, &head, &answer);
    say(buf_str(b));
}

static void answer_disordered(struct buf *b, uint64_t seq)
{
    struct wire_answer_head head = { .seq = seq };

    wire_begin_answers(b);
    (void)wire_add_answer(b, &head, &answer);
    head.seq += 2;
    (void)wire_add_answer(b, &head, &answer);
    say(buf_str(b));
}

/* The second answer is cut. */
static void answer_cut(struct buf *b, uint64_t seq)
{
    const struct wire_answer_head head = { .seq = seq };

    wire_begin_answers(b);
    (void)wire_add_answer(b, &head, &answer);
    (void)buf_puts(b, "cut");
    say(buf_str(b));
}

/* The last question of a message takes for ever. */
static void answer_but_the_last(struct buf *b, uint64_t seq)
{
    if (calls_len > 1)
        say_answers(b, seq, calls_len - 1);
    else
        answer_well(b, seq);
}

static void answer_garbage(struct buf *b, uint64_t seq)
{
    (void)b;
    (void)seq;
    say(str_of("garbage"));
}

static void answer_another(struct buf *b, uint64_t seq)
{
    answer_well(b, seq + 1);
}

static void answer_twice(struct buf *b, uint64_t seq)
{
    answer_well(b, seq);
    answer_well(b, seq);
}

static void answer_too_much(struct buf *b, uint64_t seq)
{
    (void)b;
    (void)seq;
    say((struct str){ message, sizeof(message) / 2 });
}

static void answer_emptiness(struct buf *b, uint64_t seq)
{
    (void)b;
    (void)seq;
    say((struct str){ message, 0 });
}

/* One by one, in messages of their own. */
static void answer_singly(struct buf *b, uint64_t seq)
{
    for (size_t i = 0; i < calls_len; i++)
        say_answers(b, seq + i, 1);
}

static void answer_not(struct buf *b, uint64_t seq)
{
    (void)b;
    (void)seq;
}

/* The first question is answered when the test says so, by a signal. */
static void answer_late(struct buf *b, uint64_t seq)
{
    sigset_t awaited;
    int signum;

    (void)sigemptyset(&awaited);
    (void)sigaddset(&awaited, SIGUSR1);
    if (++answer.delay_ms == 1)
        (void)sigwait(&awaited, &signum);
    answer_well(b, seq);
}

static void end_instead(struct buf *b, uint64_t seq)
{
    (void)b;
    (void)seq;
    _exit(3);
}

static void answer_descriptors(struct buf *b, uint64_t seq)
{
    list_descriptors(answer.message, sizeof(answer.message));
    answer_well(b, seq);
}

static void load_without_seccomp(struct buf *b)
{
    loaded.has_seccomp = false;
    say_loaded(b);
}

static void load_not(struct buf *b)
{
    (void)b;
}

static void load_garbage(struct buf *b)
{
    (void)b;
    say(str_of("garbage"));
}

static void load_text_without_end(struct buf *b)
{
    const struct str text = { message, WIRE_MESSAGE_BYTES_MAX / 2 };

    while (wire_put_text(b, text, NULL, 0, false) &&
           send(WIRE_FD, b->p, buf_len(b), MSG_NOSIGNAL) > 0)
        ;
}

static void load_and_speak(struct buf *b)
{
    say_loaded(b);
    say_answers(b, 0, 1);
}

static const struct behaviour {
    const char *name;
    void (*load)(struct buf *b);
    void (*answer)(struct buf *b, uint64_t seq);
} behaviours[] = {
    { "garbage", say_loaded, answer_garbage },
    { "another", say_loaded, answer_another },
    { "twice", say_loaded, answer_twice },
    { "too many", say_loaded, answer_too_many },
    { "too few", say_loaded, answer_too_few },
    { "beyond", say_loaded, answer_beyond_the_last },
    { "disordered", say_loaded, answer_disordered },
    { "cut", say_loaded, answer_cut },
    { "one left", say_loaded, answer_but_the_last },
    { "singly", say_loaded, answer_singly },
    { "too much", say_loaded, answer_too_much },
    { "emptiness", say_loaded, answer_emptiness },
    { "silent", say_loaded, answer_not },
    { "late", say_loaded, answer_late },
    { "ends", say_loaded, end_instead },
    { "descriptors", say_loaded, answer_descriptors },
    { "open", load_without_seccomp, answer_well },
    { "mute", load_not, answer_not },
    { "nonsense", load_garbage, answer_not },
    { "endless", load_text_without_end, answer_not },
    { "unasked", load_and_speak, answer_not },
    { "probe", say_loaded, answer_well },
};

static const struct behaviour *find(const char *name)
{
    size_t i = 0;

    while (i + 1 < sizeof(behaviours) / sizeof(*behaviours) &&
           strcmp(behaviours[i].name, name) != 0)
        i++;
    return &behaviours[i];
}

int main(int argc, char **argv)
{
    sigset_t all;
    uint64_t seq;
    struct buf b;
    ssize_t n;

    (void)sigfillset(&all);
    (void)sigprocmask(SIG_BLOCK, &all, NULL);
    if (argc != WIRE_ARG_COUNT_)
        return WIRE_EXIT_USAGE;
    const struct behaviour *behaviour = find(argv[WIRE_ARG_NAME]);
    buf_init(&b, WIRE_MESSAGE_BYTES_MAX);
    memset(message, 'x', sizeof(message));
    behaviour->load(&b);
    while ((n = recv(WIRE_FD, message, sizeof(message), 0)) > 0) {
        if (wire_get_calls((struct str){ message, (size_t)n }, &seq, calls, &calls_len))
            behaviour->answer(&b, seq);
    }
    buf_deinit(&b);
    return 0;
}
