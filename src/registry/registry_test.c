/* The registry against a clock that the tests turn by hand. */
#include "registry/registry_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

/* What was visited: "w1 w2 ". */
struct visits {
    char text[512];
};

static void add(struct visits *v, const char *name)
{
    size_t len = strlen(v->text);

    (void)snprintf(v->text + len, sizeof(v->text) - len, "%s ", name);
}

static bool add_id(void *data, const struct worker *w)
{
    add(data, w->facts.id);
    return true;
}

/* Ids of the matches, in order. */
static const char *found(struct fixture *f, const struct worker_query *q)
{
    static struct visits ids;

    ids.text[0] = '\0';
    (void)registry_find(f->registry, q, add_id, &ids);
    return ids.text;
}

static void a_worker_ages_exactly_as_the_contract_says(void **state)
{
    struct fixture *f = *state;
    struct worker_facts w1 = facts("w1", "m", 1);

    report(f, "h", &w1, 1);
    assert_told(f, "model m;room w1;");
    assert_int_equal(registry_next_due_ms(f->registry), f->now_ms + 3001);
    pass(f, 3000);
    assert_int_equal(worker(f, "w1")->live, LIVE_ONLINE);
    pass(f, 1);
    assert_int_equal(worker(f, "w1")->live, LIVE_DEGRADED);
    assert_int_equal(registry_hive(f->registry, "h")->live, LIVE_DEGRADED);
    assert_int_equal(worker_room(worker(f, "w1")), 1);
    pass(f, 6999);
    assert_int_equal(worker(f, "w1")->live, LIVE_DEGRADED);
    assert_told(f, "");
    pass(f, 1);
    assert_int_equal(worker(f, "w1")->live, LIVE_OFFLINE);
    assert_int_equal(worker_room(worker(f, "w1")), 0);
    assert_told(f, "lost w1;");
    pass(f, 49999);
    assert_int_equal(worker(f, "w1")->live, LIVE_OFFLINE);
    pass(f, 1);
    assert_null(registry_worker(f->registry, "w1"));
    assert_null(registry_hive(f->registry, "h"));
    assert_told(f, "removed w1;hive removed h;");
    assert_int_equal(registry_next_due_ms(f->registry), UINT64_MAX);
}

static void a_report_brings_a_worker_back(void **state)
{
    struct fixture *f = *state;
    struct worker_facts w1 = facts("w1", "m", 1);

    report(f, "h", &w1, 1);
    pass(f, 20000);
    assert_told(f, "model m;room w1;lost w1;");
    report(f, "h", &w1, 1);
    assert_int_equal(worker(f, "w1")->live, LIVE_ONLINE);
    assert_told(f, "room w1;");
    pass(f, 5000); /* degraded and back: it had its room all the time */
    report(f, "h", &w1, 1);
    assert_told(f, "");
}

static void a_long_pause_is_all_ages_at_once(void **state)
{
    struct fixture *f = *state;
    struct worker_facts w1 = facts("w1", "m", 1);

    report(f, "h", &w1, 1);
    assert_told(f, "model m;room w1;");
    pass(f, 60001);
    assert_told(f, "lost w1;removed w1;hive removed h;");
}

static void a_worker_that_fails_or_is_not_mentioned_is_lost_at_once(void **state)
{
    struct fixture *f = *state;
    struct worker_facts w[] = { facts("w1", "m", 1), facts("w2", "m", 1) };

    report(f, "h", w, 2);
    assert_told(f, "model m;room w1;room w2;");
    w[0].state = WORKER_FAILED;
    report(f, "h", w, 2);
    report(f, "h", w, 2);
    assert_told(f, "lost w1;failed w1;");
    report(f, "h", w, 1);
    assert_told(f, "lost w2;removed w2;");
    report(f, "h", NULL, 0);
    assert_told(f, "removed w1;");
    assert_true(registry_knows_model(f->registry, "m"));
}

static void a_worker_that_was_silent_and_is_then_reported_failed_is_told_of_again(void **state)
{
    struct fixture *f = *state;
    struct worker_facts w1 = facts("w1", "m", 1);

    report(f, "h", &w1, 1);
    pass(f, 10001);
    assert_told(f, "model m;room w1;lost w1;");
    w1.state = WORKER_FAILED;
    report(f, "h", &w1, 1);
    assert_told(f, "failed w1;");
}

static void room_is_slots_minus_our_own_and_foreign_work(void **state)
{
    struct fixture *f = *state;
    struct worker_facts w1 = facts("w1", "m", 4);

    report(f, "h", &w1, 1);
    registry_charge(f->registry, "w1", &no_tokens, f->now_ms);
    registry_charge(f->registry, "w1", &no_tokens, f->now_ms);
    assert_int_equal(worker_room(worker(f, "w1")), 2);

    w1.active = 2; /* ours */
    report(f, "h", &w1, 1);
    assert_int_equal(worker(f, "w1")->foreign, 0);
    w1.active = 3; /* somebody else's, too */
    report(f, "h", &w1, 1);
    assert_int_equal(worker_room(worker(f, "w1")), 1);
    w1.queued = 5;
    report(f, "h", &w1, 1);
    assert_int_equal(worker_room(worker(f, "w1")), 0);

    f->told[0] = '\0';
    w1.active = 2;
    w1.queued = 0;
    report(f, "h", &w1, 1);
    assert_told(f, "room w1;");
    registry_release(f->registry, "w1", &no_tokens, false);
    assert_told(f, "room w1;");
    assert_int_equal(worker_room(worker(f, "w1")), 3);
}

static void a_sample_older_than_the_end_of_a_run_shows_no_foreign_work(void **state)
{
    struct fixture *f = *state;
    struct worker_facts w1 = facts("w1", "m", 4);

    report(f, "h", &w1, 1);
    registry_charge(f->registry, "w1", &no_tokens, f->now_ms);
    registry_charge(f->registry, "w1", &no_tokens, f->now_ms);
    registry_release(f->registry, "w1", &no_tokens, false);
    registry_release(f->registry, "w1", &no_tokens, false);
    w1.active = 2; /* taken while both ran */
    report(f, "h", &w1, 1);
    assert_int_equal(worker(f, "w1")->foreign, 0);
    report(f, "h", &w1, 1); /* and still there: not ours then */
    assert_int_equal(worker(f, "w1")->foreign, 2);
}

static void slots_that_shrink_below_the_ledger_mean_no_room(void **state)
{
    struct fixture *f = *state;
    struct worker_facts w1 = facts("w1", "m", 4);

    report(f, "h", &w1, 1);
    for (int i = 0; i < 3; i++)
        registry_charge(f->registry, "w1", &no_tokens, f->now_ms);
    w1.slots = 2;
    report(f, "h", &w1, 1);
    assert_int_equal(worker_room(worker(f, "w1")), 0);
    registry_release(f->registry, "w1", &no_tokens, false);
    assert_int_equal(worker_room(worker(f, "w1")), 0);
    registry_release(f->registry, "w1", &no_tokens, false);
    assert_int_equal(worker_room(worker(f, "w1")), 1);
}

static void a_worker_that_refused_gets_only_what_its_runs_free(void **state)
{
    struct fixture *f = *state;
    struct worker_facts w1 = facts("w1", "m", 4);

    report(f, "h", &w1, 1);
    registry_charge(f->registry, "w1", &no_tokens, f->now_ms);
    registry_worker_full(f->registry, "w1", f->now_ms);
    assert_int_equal(worker_room(worker(f, "w1")), 0);
    registry_release(f->registry, "w1", &no_tokens, false);
    assert_int_equal(worker_room(worker(f, "w1")), 1);
    f->now_ms += 1000;
    report(f, "h", &w1, 1);
    assert_int_equal(worker_room(worker(f, "w1")), 4);
}

static void a_static_worker_that_refused_rests_a_second(void **state)
{
    struct fixture *f = *state;
    struct worker_facts w1 = facts("w1", "m", 4);

    registry_worker_static(f->registry, &w1, f->now_ms);
    registry_worker_reachable(f->registry, "w1", true, f->now_ms);
    registry_worker_full(f->registry, "w1", f->now_ms);
    assert_int_equal(registry_next_due_ms(f->registry), f->now_ms + 1000);
    f->told[0] = '\0';
    pass(f, 999);
    assert_int_equal(worker_room(worker(f, "w1")), 0);
    pass(f, 1);
    assert_int_equal(worker_room(worker(f, "w1")), 4);
    assert_told(f, "room w1;");
    assert_int_equal(registry_next_due_ms(f->registry), UINT64_MAX);
}

static void an_unreachable_worker_takes_nothing_until_its_next_report(void **state)
{
    struct fixture *f = *state;
    struct worker_facts w1 = facts("w1", "m", 1);

    report(f, "h", &w1, 1);
    f->told[0] = '\0';
    registry_worker_reachable(f->registry, "w1", false, f->now_ms);
    assert_int_equal(worker(f, "w1")->live, LIVE_OFFLINE);
    registry_worker_reachable(f->registry, "w1", true, f->now_ms);
    assert_int_equal(worker(f, "w1")->live, LIVE_OFFLINE);
    pass(f, 1000);
    assert_told(f, ""); /* what runs on it has connections of its own */
    report(f, "h", &w1, 1);
    assert_told(f, "room w1;");
    registry_worker_reachable(f->registry, "nobody", false, f->now_ms);
}

static void a_static_worker_lives_by_its_connections(void **state)
{
    struct fixture *f = *state;
    struct worker_facts w1 = facts("w1", "m", 2);

    registry_worker_static(f->registry, &w1, f->now_ms);
    assert_int_equal(worker(f, "w1")->live, LIVE_OFFLINE);
    assert_true(registry_knows_model(f->registry, "m"));
    assert_told(f, "model m;");
    registry_worker_reachable(f->registry, "w1", true, f->now_ms);
    assert_told(f, "room w1;");
    pass(f, 100000000);
    assert_int_equal(worker(f, "w1")->live, LIVE_ONLINE);
    registry_worker_reachable(f->registry, "w1", false, f->now_ms);
    assert_int_equal(worker(f, "w1")->live, LIVE_OFFLINE);
    pass(f, 100000000);
    assert_non_null(registry_worker(f->registry, "w1"));
}

static void a_worker_that_changes_its_model_is_found_under_the_new_one(void **state)
{
    struct fixture *f = *state;
    struct worker_facts w1 = facts("w1", "old", 1);

    report(f, "h", &w1, 1);
    f->told[0] = '\0';
    w1 = facts("w1", "new", 1);
    report(f, "h", &w1, 1);
    assert_told(f, "moved w1;model new;room w1;");
    assert_string_equal(found(f, &(struct worker_query){ .model = "old" }), "");
    assert_string_equal(found(f, &(struct worker_query){ .model = "new" }), "w1 ");
    w1.model[0] = '\0';
    report(f, "h", &w1, 1);
    assert_string_equal(found(f, &(struct worker_query){ .model = "new" }), "");
    assert_string_equal(found(f, &(struct worker_query){ 0 }), "w1 ");
}

static void questions_are_answered_in_order_online_first(void **state)
{
    struct fixture *f = *state;
    struct worker_facts w1 = facts("w1", "m", 2), w2 = facts("w2", "m", 1),
                        w3 = facts("w3", "n", 1);

    w1.total_vram_mb = 100;
    w1.vram_mb = 40;
    w2.gpu_util_pct = 10;
    report(f, "h1", &w1, 1);
    f->now_ms += 3500;
    report(f, "h2", (struct worker_facts[]){ w2, w3 }, 2);
    pass(f, 0);

    assert_string_equal(found(f, &(struct worker_query){ 0 }), "w2 w3 w1 ");
    assert_string_equal(found(f, &(struct worker_query){ .model = "m" }), "w2 w1 ");
    assert_string_equal(found(f, &(struct worker_query){ .hive_id = "h2" }), "w2 w3 ");
    assert_string_equal(found(f, &(struct worker_query){ .vram_free_mb_min = 60 }), "w1 ");
    assert_string_equal(found(f, &(struct worker_query){ .vram_free_mb_min = 61 }), "");
    assert_string_equal(found(f, &(struct worker_query){ .idle = true }), "w3 w1 ");
    registry_charge(f->registry, "w2", &no_tokens, f->now_ms);
    registry_charge(f->registry, "w1", &no_tokens, f->now_ms);
    assert_string_equal(found(f, &(struct worker_query){ .model = "m", .has_room = true }), "w1 ");
    assert_string_equal(found(f, &(struct worker_query){ .model = "m", .idle = true }), "");
    assert_string_equal(
        registry_find_first(f->registry, &(struct worker_query){ .model = "m", .has_room = true })
            ->facts.id,
        "w1");
    assert_null(registry_find_first(f->registry, &(struct worker_query){ .model = "none" }));
    assert_int_equal(registry_count(f->registry, &(struct worker_query){ .online = true }), 3);

    pass(f, 7000); /* w1 is offline, the others degraded */
    assert_string_equal(found(f, &(struct worker_query){ 0 }), "w2 w3 w1 ");
    assert_int_equal(registry_count(f->registry, &(struct worker_query){ .online = true }), 2);
    assert_int_equal(registry_count(f->registry, &(struct worker_query){ .available = true }), 2);
}

static bool add_hive(void *data, const struct hive *hive)
{
    add(data, hive->facts.id);
    return true;
}

static void hives_are_found_by_liveness_and_readiness(void **state)
{
    struct fixture *f = *state;
    struct hive_facts h1 = hive_facts("h1"), h2 = hive_facts("h2");
    struct visits ids = { "" };

    h1.health = HIVE_UNHEALTHY;
    registry_hive_report(f->registry, &h1, NULL, 0, f->now_ms);
    registry_hive_report(f->registry, &h2, NULL, 0, f->now_ms);
    assert_int_equal(registry_find_hives(f->registry, true, true, add_hive, &ids), 1);
    assert_string_equal(ids.text, "h2 ");
    h2.status = HIVE_STOPPING;
    registry_hive_report(f->registry, &h2, NULL, 0, f->now_ms);
    assert_int_equal(registry_find_hives(f->registry, true, true, add_hive, &ids), 0);
    assert_int_equal(registry_find_hives(f->registry, true, false, add_hive, &ids), 2);
    pass(f, 10001);
    assert_int_equal(registry_find_hives(f->registry, true, false, add_hive, &ids), 0);
    assert_int_equal(registry_find_hives(f->registry, false, false, add_hive, &ids), 2);
}

static void add_model(void *data, const char *model)
{
    add(data, model);
}

static void models_are_known_while_listed_and_for_ever_once_held(void **state)
{
    struct fixture *f = *state;
    struct listed_model models[] = { { .ref = "listed" }, { .ref = "other" } };
    struct hive_facts hive = hive_facts("h");
    struct worker_facts w[] = { facts("w1", "a", 1), facts("w2", "b", 1), facts("w3", "c", 1) };
    struct visits names = { "" };

    hive.has_capabilities = true;
    hive.models = models;
    hive.models_len = 2;
    registry_hive_report(f->registry, &hive, w, 1, f->now_ms);
    assert_told(f, "model a;room w1;");
    assert_int_equal(registry_models(f->registry, add_model, &names), 3);
    assert_string_equal(names.text, "listed other a ");

    report(f, "h", w, 3); /* without capabilities: the list stays; the third is not remembered */
    assert_told(f, "model b;room w2;room w3;");
    assert_true(registry_knows_model(f->registry, "listed"));
    assert_true(registry_knows_model(f->registry, "c"));

    hive.models_len = 1;
    registry_hive_report(f->registry, &hive, NULL, 0, f->now_ms);
    assert_false(registry_knows_model(f->registry, "other"));
    assert_true(registry_knows_model(f->registry, "listed"));
    assert_true(registry_knows_model(f->registry, "a"));
    assert_false(registry_knows_model(f->registry, "c"));

    pass(f, 60001);
    assert_false(registry_knows_model(f->registry, "listed"));
    assert_true(registry_knows_model(f->registry, "b"));
    assert_int_equal(registry_models(f->registry, add_model, &names), 0);
}

static void a_remembered_model_is_no_news(void **state)
{
    struct fixture *f = *state;
    struct worker_facts w1 = facts("w1", "m", 1);

    registry_model_known(f->registry, "m");
    assert_told(f, "");
    assert_true(registry_knows_model(f->registry, "m"));
    report(f, "h", &w1, 1);
    assert_told(f, "room w1;");
    registry_model_known(f->registry, "second");
    registry_model_known(f->registry, "third"); /* beyond models_max */
    assert_false(registry_knows_model(f->registry, "third"));
}

static void caps_refuse_what_is_new_and_refresh_what_is_known(void **state)
{
    struct fixture *f = *state;
    struct worker_facts w[] = { facts("w1", "m", 1), facts("w2", "m", 1), facts("w3", "m", 1),
                                facts("w4", "m", 1) };
    struct hive_facts h1 = hive_facts("h1"), h2 = hive_facts("h2"), h3 = hive_facts("h3");
    struct err err = { 0 };

    report(f, "h1", w, 3);
    assert_int_equal(registry_check_room(f->registry, &h1, w, 3, &err), 0);
    assert_int_equal(registry_check_room(f->registry, &h1, &w[1], 3, &err), 0); /* one goes */
    assert_int_equal(registry_check_room(f->registry, &h1, w, 4, &err), ERR_LIMIT);
    assert_string_equal(err.msg, "4 workers are too many: the queen takes 3");
    assert_int_equal(registry_check_room(f->registry, &h2, &w[3], 1, &err), ERR_LIMIT);
    assert_int_equal(registry_check_room(f->registry, NULL, &w[3], 1, &err), ERR_LIMIT);
    report(f, "h2", NULL, 0);
    assert_int_equal(registry_check_room(f->registry, &h3, NULL, 0, &err), ERR_LIMIT);
    assert_string_equal(err.msg, "hive 'h3' is one too many: the queen takes 2");
}

static void a_worker_id_belongs_to_who_reports_it(void **state)
{
    struct fixture *f = *state;
    struct worker_facts w1 = facts("w1", "m", 1), s = facts("static", "m", 1);
    struct hive_facts h1 = hive_facts("h1"), h2 = hive_facts("h2");
    struct err err = { 0 };

    report(f, "h1", &w1, 1);
    assert_int_equal(registry_check_room(f->registry, &h1, &w1, 1, &err), 0);
    assert_int_equal(registry_check_room(f->registry, &h2, &w1, 1, &err), ERR_CONFLICT);
    assert_string_equal(err.msg, "two workers are called 'w1', one of hive 'h1' and one of hive "
                                 "'h2'; give one of them another id");
    assert_int_equal(registry_check_room(f->registry, NULL, &w1, 1, &err), ERR_CONFLICT);
    pass(f, 10001); /* its owner is offline */
    assert_int_equal(registry_check_room(f->registry, &h2, &w1, 1, &err), 0);
    report(f, "h2", &w1, 1);
    assert_string_equal(worker(f, "w1")->facts.hive_id, "h2");
    assert_int_equal(registry_check_room(f->registry, &h1, &w1, 1, &err), ERR_CONFLICT);
    report(f, "h1", NULL, 0); /* takes nothing away that is h2's now */
    assert_non_null(registry_worker(f->registry, "w1"));

    registry_worker_static(f->registry, &s, f->now_ms);
    assert_int_equal(registry_check_room(f->registry, &h1, &s, 1, &err), ERR_CONFLICT);
    assert_non_null(strstr(err.msg, "one of the queen's configuration"));

    struct worker_facts own = facts("own", "m", 1);
    registry_worker_report(f->registry, &own, f->now_ms);
    assert_int_equal(registry_check_room(f->registry, NULL, &own, 1, &err), 0);
    assert_int_equal(registry_check_room(f->registry, &h1, &own, 1, &err), ERR_CONFLICT);
}

static void one_report_names_each_worker_once(void **state)
{
    struct fixture *f = *state;
    struct worker_facts w[] = { facts("b", "m", 1), facts("a", "m", 1), facts("b", "m", 1) };
    struct hive_facts hive = hive_facts("h");
    struct err err = { 0 };

    assert_int_equal(registry_check_room(f->registry, &hive, w, 3, &err), ERR_INVALID);
    assert_non_null(strstr(err.msg, "worker 'b' is in the report twice"));
}

enum { FLEET = 10000 };

static bool count_one(void *data, const struct worker *w)
{
    (void)w;
    ++*(size_t *)data;
    return true;
}

static void ten_thousand_workers_keep_their_order_through_leaving_and_coming(void **state)
{
    struct registry_limits limits;
    struct fixture f = { .now_ms = 1 };
    struct worker_query with_room = { .model = "m", .has_room = true };
    size_t visited = 0;
    char id[32];
    (void)state;

    registry_limits_init(&limits);
    f.registry = registry_new(&limits, fixture_note, &f);
    for (int i = 0; i < FLEET; i++) {
        (void)snprintf(id, sizeof(id), "w%d", i);
        struct worker_facts w = facts(id, "m", 1);
        registry_worker_report(f.registry, &w, f.now_ms);
    }
    for (int i = 0; i < FLEET - 1; i++) { /* the first with room is always the next one */
        const struct worker *first = registry_find_first(f.registry, &with_room);
        (void)snprintf(id, sizeof(id), "w%d", i);
        assert_string_equal(first->facts.id, id);
        registry_charge(f.registry, id, &no_tokens, f.now_ms);
    }
    for (int i = 0; i < FLEET; i += 2) { /* every other one goes elsewhere and comes back */
        (void)snprintf(id, sizeof(id), "w%d", i);
        struct worker_facts w = facts(id, "other", 1);
        registry_worker_report(f.registry, &w, f.now_ms);
        w = facts(id, "m", 1);
        registry_worker_report(f.registry, &w, f.now_ms);
    }
    assert_int_equal(
        registry_find(f.registry, &(struct worker_query){ .model = "m" }, count_one, &visited),
        FLEET);
    assert_string_equal(
        registry_find_first(f.registry, &(struct worker_query){ .model = "m" })->facts.id, "w1");
    assert_string_equal(registry_find_first(f.registry, &with_room)->facts.id, "w9999");
    registry_release(f.registry, "w0", &no_tokens, false);
    registry_release(f.registry, "w9998", &no_tokens, false);
    visited = 0;
    assert_int_equal(registry_find(f.registry, &with_room, count_one, &visited), 3);
    registry_tick(f.registry, f.now_ms + 10001);
    assert_null(registry_find_first(f.registry, &with_room));
    registry_free(f.registry);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
        TEST(a_worker_ages_exactly_as_the_contract_says),
        TEST(a_report_brings_a_worker_back),
        TEST(a_long_pause_is_all_ages_at_once),
        TEST(a_worker_that_fails_or_is_not_mentioned_is_lost_at_once),
        TEST(a_worker_that_was_silent_and_is_then_reported_failed_is_told_of_again),
        TEST(room_is_slots_minus_our_own_and_foreign_work),
        TEST(a_sample_older_than_the_end_of_a_run_shows_no_foreign_work),
        TEST(slots_that_shrink_below_the_ledger_mean_no_room),
        TEST(a_worker_that_refused_gets_only_what_its_runs_free),
        TEST(a_static_worker_that_refused_rests_a_second),
        TEST(an_unreachable_worker_takes_nothing_until_its_next_report),
        TEST(a_static_worker_lives_by_its_connections),
        TEST(a_worker_that_changes_its_model_is_found_under_the_new_one),
        TEST(questions_are_answered_in_order_online_first),
        TEST(hives_are_found_by_liveness_and_readiness),
        TEST(models_are_known_while_listed_and_for_ever_once_held),
        TEST(a_remembered_model_is_no_news),
        TEST(caps_refuse_what_is_new_and_refresh_what_is_known),
        TEST(a_worker_id_belongs_to_who_reports_it),
        TEST(one_report_names_each_worker_once),
        cmocka_unit_test(ten_thousand_workers_keep_their_order_through_leaving_and_coming),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
