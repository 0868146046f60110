#include "base/mem.h"
#include "loop/loop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>

enum { JOBS = 50, RINGS = 1000 };

struct job {
    struct loop *loop;
    pthread_t worked_on;
    unsigned *done;
    unsigned result;
};

static void work(void *data)
{
    struct job *job = data;

    job->worked_on = pthread_self();
    job->result *= 2;
}

static void done(void *data)
{
    struct job *job = data;

    if (++*job->done == JOBS)
        loop_stop(job->loop);
}

static void offloaded_work_runs_on_another_thread_and_is_done_once_on_the_loop(void **state)
{
    struct loop *loop = loop_new(NULL, NULL);
    struct job jobs[JOBS];
    unsigned dones = 0;

    (void)state;
    for (unsigned i = 0; i < JOBS; i++) {
        jobs[i] = (struct job){ .loop = loop, .done = &dones, .result = i };
        loop_offload(loop, work, done, &jobs[i]);
    }
    loop_run(loop);
    assert_int_equal(dones, JOBS);
    for (unsigned i = 0; i < JOBS; i++) {
        assert_int_equal(jobs[i].result, 2 * i);
        assert_false(pthread_equal(jobs[i].worked_on, pthread_self()));
    }
    loop_free(loop);
}

static void freeing_the_loop_waits_for_offloaded_work(void **state)
{
    struct loop *loop = loop_new(NULL, NULL);
    unsigned dones = 0;
    struct job job = { .loop = loop, .done = &dones, .result = 1 };

    (void)state;
    loop_offload(loop, work, done, &job);
    loop_free(loop);
    assert_int_equal(dones, 1);
    assert_int_equal(job.result, 2);
}

/* --- The doorbell ------------------------------------------------------------ */

struct visitor {
    struct loop *loop;
    struct loop_bell *bell;
    atomic_uint letters; /* what the ring is about */
    unsigned seen, answers;
};

static void on_ring(void *data)
{
    struct visitor *v = data;

    v->answers++;
    v->seen = atomic_load(&v->letters);
    if (v->seen == RINGS)
        loop_stop(v->loop);
}

static void *visit(void *data)
{
    struct visitor *v = data;

    for (unsigned i = 0; i < RINGS; i++) {
        atomic_fetch_add(&v->letters, 1);
        loop_bell_ring(v->bell);
    }
    return NULL;
}

static void what_comes_before_a_ring_from_another_thread_is_seen_on_the_loop(void **state)
{
    struct visitor v = { .loop = loop_new(NULL, NULL) };
    pthread_t thread;

    (void)state;
    v.bell = loop_bell_new(v.loop, on_ring, &v);
    assert_int_equal(pthread_create(&thread, NULL, visit, &v), 0);
    loop_run(v.loop);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(v.seen, RINGS);
    assert_true(v.answers >= 1 && v.answers <= RINGS);
    loop_bell_free(v.bell);
    loop_free(v.loop);
}

static void a_bell_that_was_rung_and_freed_is_silent(void **state)
{
    struct visitor v = { .loop = loop_new(NULL, NULL) };

    (void)state;
    v.bell = loop_bell_new(v.loop, on_ring, &v);
    loop_bell_ring(v.bell);
    loop_bell_free(v.bell);
    loop_free(v.loop);
    assert_int_equal(v.answers, 0);
}

/* --- Watched descriptors ----------------------------------------------------- */

struct reader {
    struct loop *loop;
    struct loop_watch *watch;
    int fd;
    unsigned reads, ends;
};

static void on_readable(void *data)
{
    struct reader *r = data;
    char byte;
    ssize_t n = read(r->fd, &byte, 1);

    if (n == 1)
        r->reads++;
    if (n == 0) {
        r->ends++;
        loop_watch_free(TAKE(r->watch)); /* inside its own callback */
    }
}

static void a_watched_pipe_tells_of_bytes_and_of_its_end(void **state)
{
    int fds[2];
    struct reader r = { .loop = loop_new(NULL, NULL) };

    (void)state;
    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    r.fd = fds[0];
    r.watch = loop_watch_new(r.loop, fds[0], on_readable, &r);
    assert_non_null(r.watch);
    assert_int_equal(write(fds[1], "abc", 3), 3);
    while (r.reads < 3)
        (void)loop_turn(r.loop);
    assert_int_equal(r.ends, 0);
    (void)close(fds[1]);
    while (r.ends < 1)
        (void)loop_turn(r.loop);
    (void)close(fds[0]);
    loop_free(r.loop);
}

static void a_plain_file_cannot_be_watched(void **state)
{
    struct loop *loop = loop_new(NULL, NULL);
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

    (void)state;
    assert_true(fd >= 0);
    assert_null(loop_watch_new(loop, fd, on_readable, NULL));
    (void)close(fd);
    loop_free(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(offloaded_work_runs_on_another_thread_and_is_done_once_on_the_loop),
        cmocka_unit_test(freeing_the_loop_waits_for_offloaded_work),
        cmocka_unit_test(what_comes_before_a_ring_from_another_thread_is_seen_on_the_loop),
        cmocka_unit_test(a_bell_that_was_rung_and_freed_is_silent),
        cmocka_unit_test(a_watched_pipe_tells_of_bytes_and_of_its_end),
        cmocka_unit_test(a_plain_file_cannot_be_watched),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
