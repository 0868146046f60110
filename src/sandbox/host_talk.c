/*
 * What is said between the queen and a host: its load, questions in messages of several, and
 * answers, which come as they get ready. Its deadline begins anew with each message of its own,
 * so the question that it is at when the deadline passes is the one to blame, and many short
 * ones never are together.
 */
#include "base/clock.h"
#include "sandbox/host_private.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>

/* A host that was starved is given this many deadlines more to come round. */
enum { LATE_ROUNDS_MAX = 20 };

/* --- What it says: its load ------------------------------------------------------ */

static void on_loading(struct host *h, struct str message)
{
    struct sandbox *s = h->s;
    struct wire_loaded loaded;
    struct diagnostics d;
    enum wire_kind kind;

    if (h->lua && !h->has_all_lua && wire_kind(message, &kind) && kind == WIRE_TEXT) {
        if (!wire_get_text(message, h->lua, &h->has_all_lua))
            host_crash(h, "the policy's process sent a Lua text that cannot be");
        return;
    }
    if (wire_get_refused(message, &d)) {
        h->state = HOST_SPENT;
        loop_timer_stop(&h->deadline);
        h->events->on_lost(h->data, h, POLICY_LOAD, &d);
        return;
    }
    if (!wire_get_loaded(message, &loaded)) {
        host_crash(h, "the policy's process said what makes no sense");
        return;
    }
    if (!loaded.has_seccomp && !s->options.allow_without_seccomp) {
        host_lose(h, POLICY_SANDBOX_UNAVAILABLE, "the kernel refuses seccomp filters here");
        return;
    }
    h->state = HOST_READY;
    h->unseen_us = UNSEEN_US_MAX;
    loop_timer_stop(&h->deadline);
    s->stats.replace_us_last = clock_mono_us() - h->started_us;
    if (h->lua)
        h->lua->header = loaded.info.header;
    h->events->on_loaded(h->data, h, &loaded);
}

/* --- What it says: answers --------------------------------------------------------- */

/* It has said something: what it does from here on is about the next question. */
static void begin_turn(struct host *h)
{
    uint64_t now_us = clock_mono_us();

    h->unseen_us += now_us - h->turn_us;
    h->turn_us = now_us;
    h->late_rounds = 0;
    if (h->left == 0) {
        loop_timer_stop(&h->deadline);
        return;
    }
    host_look_at_cpu(h);
    loop_timer_start(&h->deadline, h->hard_ms);
}

static bool fits(const struct host *h, const struct wire_answer_head *head, struct str rest)
{
    bool ends = head->is_last || h->left == 1;

    return h->left > 0 && head->seq == h->seq && (!ends || rest.len == 0);
}

/* A soft limit that struck while the machine gave the host no time is nobody's fault. */
static void take_answer(struct host *h, struct str *rest)
{
    struct policy_answer *answer = &h->s->answer;
    struct wire_answer_head head;

    if (!wire_take_answer(rest, &head, answer) || !fits(h, &head, *rest)) {
        *rest = (struct str){ 0 };
        host_crash(h, "the policy's process answered what makes no sense");
        return;
    }
    bool is_late = h->state == HOST_LATE; /* then nobody waits for it */
    if (answer->failure == POLICY_TIMEOUT && !is_late && !host_is_guilty(h))
        answer->failure = POLICY_STARVED;
    h->seq++;
    h->left = head.is_last ? 0 : h->left - 1;
    if (h->left == 0)
        h->state = HOST_READY;
    if (rest->len == 0)
        begin_turn(h);
    if (!is_late)
        h->events->on_answer(h->data, h, answer, head.time_us);
    else if (h->left == 0)
        h->events->on_rested(h->data, h);
}

/* Whoever is told of an answer may end the host. */
static void on_answers(struct host *h, struct str message)
{
    struct sandbox *s = h->s;
    struct str rest;

    if (!wire_open_answers(message, &rest)) {
        host_crash(h, "the policy's process answered what makes no sense");
        return;
    }
    s->speaking = h;
    while (rest.len > 0 && s->speaking == h)
        take_answer(h, &rest);
    s->speaking = NULL;
}

/* One message; false when there is none now. After it the host may be gone. */
static bool read_one(struct host *h)
{
    struct sandbox *s = h->s;
    ssize_t n = recv(h->process.socket, s->message, sizeof(s->message), MSG_DONTWAIT | MSG_TRUNC);
    struct str message = { s->message, n > 0 ? (size_t)n : 0 };

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return false;
    if (n <= 0)
        host_hung_up(h);
    else if (message.len > sizeof(s->message))
        host_crash(h, "the policy's process said more than fits");
    else if (h->state == HOST_LOADING)
        on_loading(h, message);
    else if (h->state == HOST_BUSY || h->state == HOST_LATE)
        on_answers(h, message);
    else
        host_crash(h, "the policy's process spoke without being asked");
    return true;
}

void host_on_readable(void *data)
{
    (void)read_one(data);
}

/* --- Asking -------------------------------------------------------------------- */

/* What cannot be sent is found out by what follows: the end of the process, or the deadline. */
void host_ask(struct host *h, const struct policy_call *calls, unsigned len)
{
    struct sandbox *s = h->s;

    assert(h->state == HOST_READY && len > 0);
    h->seq = s->seq + 1;
    h->left = len;
    s->seq += len;
    bool is_whole = wire_put_calls(&s->out, h->seq, calls, len);
    assert(is_whole);
    (void)is_whole;
    h->state = HOST_BUSY;
    h->late_rounds = 0;
    host_look_at_cpu(h);
    h->turn_us = clock_mono_us();
    (void)send(h->process.socket, s->out.p + s->out.off, buf_len(&s->out),
               MSG_DONTWAIT | MSG_NOSIGNAL);
    loop_timer_start(&h->deadline, h->hard_ms);
}

static void time_out(struct host *h)
{
    struct sandbox *s = h->s;
    bool guilty = host_is_guilty(h);

    h->state = guilty ? HOST_SPENT : HOST_LATE;
    if (!guilty)
        loop_timer_start(&h->deadline, h->hard_ms);
    h->events->on_answer(
        h->data, h,
        guilty ? sandbox_fail(s, POLICY_TIMEOUT,
                              "%s: stopped from outside after %u ms; where it was is not known",
                              h->name, h->hard_ms)
               : sandbox_fail(s, POLICY_STARVED, "%s: the machine was too busy to run it", h->name),
        0);
}

static void wait_longer(struct host *h)
{
    if (host_is_guilty(h))
        host_lose(h, POLICY_TIMEOUT, "went on for too long");
    else if (++h->late_rounds == LATE_ROUNDS_MAX)
        host_lose(h, POLICY_STARVED, "never came round");
    else
        loop_timer_start(&h->deadline, h->hard_ms);
}

static void load_too_long(struct host *h)
{
    char words[DIAGNOSTIC_MESSAGE_SIZE];

    (void)snprintf(words, sizeof(words),
                   "did not load within %u ms: code outside of functions runs once, at the load,"
                   " and must end",
                   h->s->options.load_ms);
    host_lose(h, POLICY_LOAD, words);
}

/* The loop's time stands still within a turn, so the deadline may have been set too soon; and
 * a loop that was held up itself finds the answer waiting. */
void host_on_deadline(struct loop_timer *timer)
{
    struct host *h = container_of(timer, struct host, deadline);
    uint64_t gone_us = clock_mono_us() - h->turn_us;
    uint64_t hard_us = (uint64_t)h->hard_ms * 1000;

    if (!h->on_socket)
        host_crash(h, "the policy's process has ended");
    else if (h->state == HOST_BUSY && gone_us < hard_us)
        loop_timer_start(timer, (hard_us - gone_us) / 1000 + 1);
    else if (h->state == HOST_LOADING)
        load_too_long(h);
    else if (read_one(h))
        return;
    else if (h->state == HOST_BUSY)
        time_out(h);
    else if (h->state == HOST_LATE)
        wait_longer(h);
}
