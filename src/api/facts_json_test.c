/* What lists show of hives and workers, and that a heartbeat says what a hive meant. */
#include "api/facts_json.h"

#include "api/heartbeat_json.h"
#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

enum { JSON_BYTES_MAX = 16 * 1024, NOW_MS = 5000 };

static struct worker some_worker(void)
{
    struct worker w = { .live = LIVE_ONLINE,
                        .seen_ms = NOW_MS - 70,
                        .in_flight = 2,
                        .in_flight_tokens = 900,
                        .queued_prefill_tokens = 300 };

    w.facts = (struct worker_facts){ .id = "w1", .model = "m", .state = WORKER_READY, .slots = 4 };
    return w;
}

static void write_worker(const struct worker *w, struct buf *json)
{
    struct json_out o;

    buf_init(json, JSON_BYTES_MAX);
    json_out_init(&o, json);
    json_begin(&o, NULL, '{');
    facts_write_known_worker(&o, w, NOW_MS);
    json_end(&o);
}

static bool says(struct buf *json, const char *text)
{
    return strstr(buf_cstr(json), text) != NULL;
}

static void a_worker_shows_its_tokens_and_what_was_measured(void **state)
{
    AUTO(buf_deinit) struct buf json;
    struct worker w = some_worker();
    (void)state;

    w.tokens_per_s = 12.5;
    w.prefill_tokens_per_s = 800;
    w.load_time_ms = 2300;
    w.facts.has_tokens_per_s = true; /* at rest: one of the two figures is shown, once */
    write_worker(&w, &json);
    assert_true(says(&json, "\"in_flight\":2,\"in_flight_tokens\":900"));
    assert_true(says(&json, "\"queued_prefill_tokens\":300"));
    assert_true(says(&json, "\"tokens_per_s\":12.5"));
    assert_true(says(&json, "\"load_time_ms\":2300"));
    assert_false(says(&json, "\"tokens_per_s\":0"));
}

static void what_is_not_known_of_a_worker_is_left_out(void **state)
{
    AUTO(buf_deinit) struct buf json;
    struct worker w = some_worker();
    (void)state;

    write_worker(&w, &json);
    assert_false(says(&json, "tokens_per_s"));
    assert_false(says(&json, "load_time_ms"));
}

static void a_hive_shows_its_memory_and_its_models(void **state)
{
    AUTO(buf_deinit) struct buf json;
    struct listed_model models[] = { { .ref = "m", .size_bytes = 7, .context_length = 4096 },
                                     { .ref = "n" } };
    struct hive hive = { .live = LIVE_ONLINE, .seen_ms = NOW_MS, .reserved_mb = 512 };
    struct json_out o;
    (void)state;

    hive.facts = (struct hive_facts){
        .id = "h", .ram_mb = 16000, .ram_free_mb = 9000, .models = models, .models_len = 2
    };
    buf_init(&json, JSON_BYTES_MAX);
    json_out_init(&o, &json);
    json_begin(&o, NULL, '{');
    facts_write_known_hive(&o, &hive, NOW_MS);
    json_end(&o);
    assert_true(says(&json, "\"ram_mb\":16000,\"ram_free_mb\":9000"));
    assert_true(says(&json, "\"reserved_mb\":512"));
    assert_true(says(&json, "{\"ref\":\"m\",\"size_bytes\":7,\"context_length\":4096}"));
    assert_true(says(&json, "{\"ref\":\"n\"}"));
}

static void what_a_hive_writes_the_queen_reads(void **state)
{
    AUTO(buf_deinit) struct buf json;
    struct listed_model models[] = { { .ref = "a \"b\"", .size_bytes = 1ULL << 40 },
                                     { .ref = "n", .context_length = 131072 } };
    struct hive_facts facts = { .id = "h", .address = "10.0.0.7", .port = 1, .status = HIVE_BUSY };
    struct heartbeat h;
    struct json_out o;
    struct err err;
    (void)state;

    facts.ram_mb = 64000;
    facts.ram_free_mb = 32000;
    buf_init(&json, JSON_BYTES_MAX);
    json_out_init(&o, &json);
    json_begin(&o, NULL, '{');
    json_begin(&o, "hive", '{');
    facts_write_hive(&o, &facts);
    json_end(&o);
    json_begin(&o, "capabilities", '[');
    json_end(&o);
    facts_write_models(&o, models, 2);
    json_end(&o);

    assert_int_equal(heartbeat_parse_hive(buf_str(&json), &h, &err), 0);
    assert_int_equal(hive_facts_check(&h.hive, &err), 0);
    assert_int_equal(h.hive.status, HIVE_BUSY);
    assert_int_equal(h.hive.ram_mb, 64000);
    assert_int_equal(h.hive.ram_free_mb, 32000);
    assert_int_equal(h.hive.models_len, 2);
    assert_memory_equal(h.hive.models, models, sizeof(models));
    heartbeat_free(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_worker_shows_its_tokens_and_what_was_measured),
        cmocka_unit_test(what_is_not_known_of_a_worker_is_left_out),
        cmocka_unit_test(a_hive_shows_its_memory_and_its_models),
        cmocka_unit_test(what_a_hive_writes_the_queen_reads),
    };

    return cmocka_run_group_tests_name("facts_json", tests, NULL, NULL);
}
