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

static void answer_well(struct buf *b, uint64_t seq)
{
    if (wire_put_answer(b, seq, 1, &answer))
        say(buf_str(b));
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
    answer_well(b, 0);
}

static const struct behaviour {
    const char *name;
    void (*load)(struct buf *b);
    void (*answer)(struct buf *b, uint64_t seq);
} behaviours[] = {
    { "garbage", say_loaded, answer_garbage },
    { "another", say_loaded, answer_another },
    { "twice", say_loaded, answer_twice },
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
    struct policy_call call;
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
        if (wire_get_call((struct str){ message, (size_t)n }, &seq, &call))
            behaviour->answer(&b, seq);
    }
    buf_deinit(&b);
    return 0;
}
