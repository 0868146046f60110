#include "proxy/probe.h"

#include "proxy/test_world.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void on_result(void *data, const char *worker_id, bool is_reachable)
{
    struct world *w = data;

    (void)buf_printf(&w->story, "%s %s\n", worker_id, is_reachable ? "here" : "gone");
}

static struct worker_facts facts_of(const struct world *w, enum worker_kind kind)
{
    struct worker_facts facts = { .kind = kind, .port = w->target.at.port, .slots = 1 };

    (void)str_copy(facts.id, sizeof(facts.id), str_of("static-1"));
    (void)str_copy(facts.address, sizeof(facts.address), str_of(w->target.at.host));
    (void)str_copy(facts.token.text, sizeof(facts.token.text), str_of("0123456789abcdef"));
    return facts;
}

static struct probe *start_probe(struct world *w, enum worker_kind kind)
{
    struct worker_facts facts = facts_of(w, kind);
    struct probe *p = probe_new(w->proxy, on_result, w);
    struct err err;

    assert_int_equal(probe_add(p, &facts, &err), 0);
    return p;
}

static void expect_story(struct world *w, const char *story)
{
    test_settle(&w->t);
    assert_string_equal(buf_cstr(&w->story), story);
    buf_clear(&w->story);
}

static void a_new_worker_is_probed_at_once_by_its_kinds_route(void **state)
{
    static const struct {
        enum worker_kind kind;
        const char *request;
        unsigned status;
        const char *story;
    } cases[] = {
        { WORKER_KIND_RBEE, "GET /health HTTP/1.1\r\n", 200, "static-1 here\n" },
        { WORKER_KIND_RBEE, "GET /health HTTP/1.1\r\n", 503, "static-1 gone\n" },
        { WORKER_KIND_OPENAI, "GET /v1/models HTTP/1.1\r\n", 200, "static-1 here\n" },
        { WORKER_KIND_OPENAI, "GET /v1/models HTTP/1.1\r\n", 401, "static-1 here\n" },
        { WORKER_KIND_OPENAI, "GET /v1/models HTTP/1.1\r\n", 503, "static-1 gone\n" },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        (void)world_setup(state);
        struct world *w = *state;
        struct probe *p = start_probe(w, cases[i].kind);
        world_accept(w, cases[i].request);
        world_expect(w, "Authorization: Bearer 0123456789abcdef\r\n");
        world_say_answer(w, cases[i].status, "application/json", "{}");
        expect_story(w, cases[i].story);
        probe_free(p);
        (void)world_teardown(state);
    }
}

/* Probes within the next `seconds`, as the listener sees them; each is refused. */
static unsigned count_probes(struct world *w, unsigned seconds)
{
    unsigned count = 0;

    for (unsigned i = 0; i < seconds * 10; i++) {
        test_advance(&w->t, 100);
        while (peer_is_waiting(w->listener)) {
            count++;
            world_accept(w, "GET ");
            peer_reset(&w->worker);
            test_settle(&w->t);
        }
    }
    return count;
}

static void an_unreachable_worker_is_probed_ever_more_seldom(void **state)
{
    struct world *w = *state;
    struct probe *p = start_probe(w, WORKER_KIND_OPENAI);

    assert_int_equal(count_probes(w, 2), 2);    /* at 0, 1 */
    assert_int_equal(count_probes(w, 32), 7);   /* 3, 7, 12, 17, 22, 27, 32 */
    assert_int_equal(count_probes(w, 300), 60); /* every 5 s */
    buf_clear(&w->story);
    for (int i = 0; i < 60 && !peer_is_waiting(w->listener); i++)
        test_advance(&w->t, 100);
    world_accept(w, "GET ");
    world_expect(w, "\r\n\r\n");
    world_say_answer(w, 200, "application/json", "{}");
    expect_story(w, "static-1 here\n");
    assert_int_equal(count_probes(w, 100), 0);
    probe_free(p);
}

static void a_suspect_is_probed_and_others_are_left_alone(void **state)
{
    struct world *w = *state;
    struct probe *p = start_probe(w, WORKER_KIND_RBEE);

    world_accept(w, "\r\n\r\n");
    world_say_answer(w, 200, "application/json", "{}");
    expect_story(w, "static-1 here\n");
    probe_suspect(p, "of-a-hive");
    assert_int_equal(count_probes(w, 10), 0);
    probe_suspect(p, "static-1");
    probe_suspect(p, "static-1");
    assert_int_equal(count_probes(w, 2), 1);
    expect_story(w, "static-1 gone\n");
    probe_free(p);
}

static void a_worker_that_does_not_answer_counts_as_gone(void **state)
{
    struct world *w = *state;
    struct probe *p = start_probe(w, WORKER_KIND_RBEE);

    world_accept(w, "\r\n\r\n");
    test_advance(&w->t, 4900);
    expect_story(w, "");
    test_advance(&w->t, 200);
    expect_story(w, "static-1 gone\n");
    probe_free(p);
}

static void a_second_worker_of_the_same_id_is_refused(void **state)
{
    struct world *w = *state;
    struct worker_facts facts = facts_of(w, WORKER_KIND_RBEE);
    struct probe *p = start_probe(w, WORKER_KIND_RBEE);
    struct err err;

    assert_int_equal(probe_add(p, &facts, &err), ERR_CONFLICT);
    probe_free(p);
    probe_free(NULL);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_worker_is_probed_at_once_by_its_kinds_route),
        TEST(an_unreachable_worker_is_probed_ever_more_seldom),
        TEST(a_suspect_is_probed_and_others_are_left_alone),
        TEST(a_worker_that_does_not_answer_counts_as_gone),
        TEST(a_second_worker_of_the_same_id_is_refused),
    };

    return cmocka_run_group_tests_name("probe", tests, NULL, NULL);
}
