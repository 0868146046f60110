/* A job's life, and what it may run on. */
#include "jobs/job.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static struct job *new_job(const char *model)
{
    struct job_spec spec = { .id = "job-1" };

    (void)snprintf(spec.model, sizeof(spec.model), "%s", model);
    return job_new(&spec, 7, 1000);
}

static void every_state_has_a_name_and_final_ones_lead_nowhere(void **state)
{
    (void)state;
    for (enum job_state i = 0; i < JOB_STATE_COUNT_; i++) {
        assert_non_null(job_state_name(i));
        assert_int_equal(job_state_is_final(i), i >= JOB_DONE);
    }
    for (enum job_priority i = 0; i < JOB_PRIORITY_COUNT_; i++) {
        enum job_priority back = JOB_PRIORITY_COUNT_;
        assert_true(job_priority_parse(str_of(job_priority_name(i)), &back));
        assert_int_equal(back, i);
    }
    enum job_priority untouched = JOB_BATCH;
    assert_false(job_priority_parse(str_of("urgent"), &untouched));
    assert_int_equal(untouched, JOB_BATCH);
    assert_string_equal(job_type_name(JOB_EMBEDDINGS), "embeddings");
}

static void a_job_counts_its_attempts_and_notes_when_it_entered(void **state)
{
    struct job *job = new_job("m");
    (void)state;

    assert_int_equal(job->state, JOB_QUEUED);
    assert_int_equal(job->arrived_ms, 1000);
    job_enter(job, JOB_DISPATCHED, 1100);
    job_enter(job, JOB_QUEUED, 1200);
    assert_int_equal(job->entered_ms, 1200);
    job_enter(job, JOB_DISPATCHED, 1300);
    assert_int_equal(job->attempt, 2);
    job_enter(job, JOB_STREAMING, 1400);
    job_enter(job, JOB_DONE, 1500);
    assert_int_equal(job->arrived_ms, 1000);
    job_free(job);
}

/* In a child, for it must abort. */
static bool aborts(enum job_state from, enum job_state to)
{
    int status = 0;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        struct job *job = new_job("m");

        (void)signal(SIGABRT, SIG_DFL);
        (void)close(STDERR_FILENO);
        job->state = from;
        job_enter(job, to, 1);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static void a_transition_that_the_diagram_does_not_have_aborts(void **state)
{
    (void)state;
    assert_true(aborts(JOB_QUEUED, JOB_STREAMING));
    assert_true(aborts(JOB_STREAMING, JOB_QUEUED)); /* the client has seen a token */
    assert_true(aborts(JOB_DISPATCHED, JOB_DONE));
    assert_true(aborts(JOB_DONE, JOB_FAILED));
    assert_true(aborts(JOB_CANCELLED, JOB_QUEUED));
    assert_false(aborts(JOB_DISPATCHED, JOB_QUEUED));
}

static void a_job_fits_the_right_model_its_pins_and_workers_not_tried(void **state)
{
    struct worker_facts worker = { .id = "w1", .hive_id = "h1", .model = "m" };
    struct job *job = new_job("m");
    (void)state;

    assert_true(job_fits(job, &worker));
    (void)snprintf(job->spec.hive_id, sizeof(job->spec.hive_id), "h2");
    assert_false(job_fits(job, &worker));
    (void)snprintf(job->spec.hive_id, sizeof(job->spec.hive_id), "h1");
    (void)snprintf(job->spec.worker_id, sizeof(job->spec.worker_id), "w2");
    assert_false(job_fits(job, &worker));
    (void)snprintf(job->spec.worker_id, sizeof(job->spec.worker_id), "w1");
    assert_true(job_fits(job, &worker));
    job_tried_on(job, "w0");
    assert_true(job_fits(job, &worker));
    job_tried_on(job, "w1");
    assert_true(job_was_tried_on(job, "w1"));
    assert_false(job_fits(job, &worker));
    (void)snprintf(worker.id, sizeof(worker.id), "w2");
    (void)snprintf(worker.model, sizeof(worker.model), "other");
    job->spec.worker_id[0] = '\0';
    assert_false(job_fits(job, &worker));
    job_free(job);
}

static void a_job_keeps_labels_of_its_own(void **state)
{
    struct job_spec spec = { .id = "job-1", .model = "m" };
    struct err err;
    (void)state;

    assert_int_equal(labels_set(&spec.labels, str_of("geo"), str_of("EU"), &err), 0);
    struct job *job = job_new(&spec, 0, 0);
    job_spec_free(&spec);
    assert_string_equal(labels_get(&job->spec.labels, "geo"), "EU");
    job_free(job);
    job_free(NULL);
}

static void a_job_keeps_hashes_of_its_prefixes_of_its_own(void **state)
{
    uint64_t hashes[] = { 11, 22, 33 };
    struct job_spec spec = { .id = "job-1", .prefix_hashes = hashes, .prefix_len = 3 };
    (void)state;

    struct job *job = job_new(&spec, 0, 0);
    hashes[2] = 0;
    assert_int_equal(job->spec.prefix_len, 3);
    assert_int_equal(job->spec.prefix_hashes[2], 33);
    spec.prefix_len = 1;
    job_spec_copy(&job->spec, &spec); /* over what it had */
    assert_int_equal(job->spec.prefix_len, 1);
    assert_int_equal(job->spec.prefix_hashes[0], 11);
    job_spec_copy(&job->spec, &job->spec);
    assert_int_equal(job->spec.prefix_hashes[0], 11);
    spec = (struct job_spec){ .id = "job-1" };
    job_spec_copy(&job->spec, &spec);
    assert_null(job->spec.prefix_hashes);
    job_free(job);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_state_has_a_name_and_final_ones_lead_nowhere),
        cmocka_unit_test(a_job_counts_its_attempts_and_notes_when_it_entered),
        cmocka_unit_test(a_transition_that_the_diagram_does_not_have_aborts),
        cmocka_unit_test(a_job_fits_the_right_model_its_pins_and_workers_not_tried),
        cmocka_unit_test(a_job_keeps_labels_of_its_own),
        cmocka_unit_test(a_job_keeps_hashes_of_its_prefixes_of_its_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
