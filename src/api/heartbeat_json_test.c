/* Heartbeats: what is believed, and what is refused with which words. */
#include "api/heartbeat_json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HIVE                                                                                \
    "\"hive\":{\"id\":\"h1\",\"hostname\":\"box\",\"address\":\"127.0.0.1\",\"port\":7835," \
    "\"operational_status\":\"ready\",\"health_status\":{\"status\":\"healthy\"},"          \
    "\"version\":\"0.1.0\",\"ram_mb\":16000,\"ram_free_mb\":8000,"                          \
    "\"labels\":{\"geo.region\":\"EU\"}}"

static void a_whole_hive_report_is_read(void **state)
{
    static const char body[] =
        "{" HIVE ",\"timestamp\":\"2026-01-01T00:00:00Z\",\"api_version\":\"v1\","
        "\"workers\":[{\"worker_id\":\"w1\",\"model\":\"m\",\"address\":\"127.0.0.1\",\"port\":"
        "8080,"
        "\"kind\":\"rbee\",\"state\":\"busy\",\"slots\":4,\"active\":2,\"queued\":1,\"pid\":77,"
        "\"cpu_pct\":12.5,\"rss_mb\":100,\"gpu_util_pct\":0.0,\"vram_mb\":1,\"total_vram_mb\":2,"
        "\"gpu_ids\":[0,1],\"kv_used_pct\":3.5,\"labels\":{},\"token\":\"0123456789abcdef\","
        "\"reason\":\"does not answer\",\"future\":{\"x\":1}}],"
        "\"capabilities\":[{\"id\":\"cpu\",\"name\":\"CPU\",\"device_type\":\"cpu\",\"vram_gb\":"
        "null}],"
        "\"models\":[\"m\",{\"ref\":\"n\",\"size_bytes\":4000,\"context_length\":2048,\"x\":[]},"
        "{\"ref\":\"o\",\"size_bytes\":null}]}";
    struct heartbeat h;
    struct err err;
    (void)state;

    assert_int_equal(heartbeat_parse_hive(str_of(body), &h, &err), 0);
    assert_string_equal(h.hive.id, "h1");
    assert_string_equal(labels_get(&h.hive.labels, "geo.region"), "EU");
    assert_true(h.hive.has_capabilities);
    assert_int_equal(h.hive.ram_mb, 16000);
    assert_int_equal(h.hive.ram_free_mb, 8000);
    assert_int_equal(h.hive.models_len, 3);
    assert_string_equal(h.hive.models[0].ref, "m");
    assert_int_equal(h.hive.models[0].size_bytes, 0);
    assert_string_equal(h.hive.models[1].ref, "n");
    assert_int_equal(h.hive.models[1].size_bytes, 4000);
    assert_int_equal(h.hive.models[1].context_length, 2048);
    assert_string_equal(h.hive.models[2].ref, "o");
    assert_int_equal(h.workers_len, 1);
    assert_string_equal(h.workers[0].hive_id, "h1");
    assert_int_equal(h.workers[0].state, WORKER_BUSY);
    assert_int_equal(h.workers[0].gpu_ids_len, 2);
    assert_true(h.workers[0].has_kv_used_pct);
    assert_string_equal(h.workers[0].token.text, "0123456789abcdef");
    assert_string_equal(h.workers[0].reason, "does not answer");
    heartbeat_free(&h);
}

static void a_reason_that_is_too_long_is_cut_between_two_characters(void **state)
{
    char reason[2 * WORKER_REASON_SIZE + 2] = "x", body[4096];
    struct heartbeat h;
    struct err err;
    (void)state;

    for (size_t i = 1; i + 2 < sizeof(reason); i += 2)
        memcpy(&reason[i], "\xc3\xa9", 3);
    (void)snprintf(body, sizeof(body),
                   "{" HIVE ",\"workers\":[{\"worker_id\":\"w1\",\"address\":\"127.0.0.1\","
                   "\"port\":8080,\"state\":\"failed\",\"reason\":\"%s\"}]}",
                   reason);
    assert_int_equal(heartbeat_parse_hive(str_of(body), &h, &err), 0);
    assert_int_equal(strlen(h.workers[0].reason), WORKER_REASON_SIZE - 1);
    assert_memory_equal(h.workers[0].reason, reason, WORKER_REASON_SIZE - 1);
    heartbeat_free(&h);
}

static void lies_are_refused_by_field(void **state)
{
    static const struct {
        const char *workers, *param;
    } cases[] = {
        { "[{\"worker_id\":\"w\",\"vram_mb\":-1}]", "vram_mb" },
        { "[{\"worker_id\":\"w\",\"port\":65536}]", "port" },
        { "[{\"worker_id\":\"w\",\"slots\":\"many\"}]", "slots" },
        { "[{\"worker_id\":\"w\",\"state\":\"happy\"}]", "state" },
        { "[{\"worker_id\":\"w\",\"kv_used_pct\":101}]", "kv_used_pct" },
        { "[{\"worker_id\":7}]", "worker_id" },
        { "{}", "workers" },
    };
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char body[1024];
        struct heartbeat h;
        struct err err = { 0 };
        (void)snprintf(body, sizeof(body), "{%s,\"workers\":%s}", HIVE, cases[i].workers);
        assert_int_equal(heartbeat_parse_hive(str_of(body), &h, &err), ERR_INVALID);
        assert_string_equal(err.param, cases[i].param);
    }
}

static void lies_about_models_are_refused_by_field(void **state)
{
    static const struct {
        const char *models, *param;
    } cases[] = {
        { "[7]", "models" },
        { "[{\"ref\":\"m\",\"size_bytes\":-1}]", "size_bytes" },
        { "[{\"ref\":\"m\",\"size_bytes\":1e300}]", "size_bytes" },
        { "[{\"ref\":\"m\",\"context_length\":\"long\"}]", "context_length" },
        { "{\"m\":1}", "models" },
    };
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char body[1024];
        struct heartbeat h;
        struct err err = { 0 };
        (void)snprintf(body, sizeof(body), "{%s,\"models\":%s}", HIVE, cases[i].models);
        assert_int_equal(heartbeat_parse_hive(str_of(body), &h, &err), ERR_INVALID);
        assert_string_equal(err.param, cases[i].param);
    }
}

static void a_model_without_a_name_is_refused(void **state)
{
    struct heartbeat h;
    struct err err;
    (void)state;

    assert_int_equal(
        heartbeat_parse_hive(str_of("{" HIVE ",\"models\":[{\"size_bytes\":1}]}"), &h, &err), 0);
    assert_int_equal(hive_facts_check(&h.hive, &err), ERR_INVALID);
    assert_string_equal(err.param, "models");
    heartbeat_free(&h);
}

static void a_report_of_too_many_workers_is_refused(void **state)
{
    size_t size = 64 + (size_t)(WORKERS_PER_HIVE_MAX + 1) * 24, len;
    char *body = malloc(size);
    struct heartbeat h;
    struct err err = { 0 };
    (void)state;

    assert_non_null(body);
    len = (size_t)snprintf(body, size, "{\"hive\":{\"id\":\"h\"},\"workers\":[{}");
    for (int i = 0; i < WORKERS_PER_HIVE_MAX; i++)
        len += (size_t)snprintf(body + len, size - len, ",{}");
    (void)snprintf(body + len, size - len, "]}");
    assert_int_equal(heartbeat_parse_hive(str_of(body), &h, &err), ERR_INVALID);
    assert_non_null(strstr(err.msg, "1024"));
    free(body);
}

static void a_worker_reports_itself(void **state)
{
    static const char body[] = "{\"worker\":{\"id\":\"w9\",\"model_id\":\"m\",\"device\":\"cpu\","
                               "\"address\":\"\",\"port\":8080,\"status\":\"ready\",\"slots\":2,"
                               "\"active\":0,\"queued\":0},\"timestamp\":\"2026-01-01T00:00:00Z\"}";
    struct heartbeat h;
    struct err err;
    (void)state;

    assert_int_equal(heartbeat_parse_worker(str_of(body), &h, &err), 0);
    assert_string_equal(h.workers[0].id, "w9");
    assert_string_equal(h.workers[0].model, "m");
    assert_string_equal(h.workers[0].hive_id, "");
    heartbeat_free(&h);
    assert_int_equal(heartbeat_parse_worker(str_of("{}"), &h, &err), ERR_MISSING);
}

static void an_address_must_lead_back_to_its_sender(void **state)
{
    static const char allowed[][ADDRESS_SIZE] = { "gpu1.lan" };
    (void)state;

    assert_true(heartbeat_address_ok("10.0.0.7", "10.0.0.7", NULL, 0));
    assert_true(heartbeat_address_ok("localhost", "127.0.0.1", NULL, 0));
    assert_true(heartbeat_address_ok("gpu1.lan", "10.0.0.7", allowed, 1));
    assert_false(heartbeat_address_ok("10.0.0.8", "10.0.0.7", allowed, 1));
    assert_false(heartbeat_address_ok("127.0.0.1", "10.0.0.7", NULL, 0));
    assert_true(heartbeat_address_ok("127.0.0.2", "127.0.0.1", NULL, 0));
    static const char *const names[] = { "127.evil.com",
                                         "127.0.0.1.evil.com",
                                         "127.0.0.1@evil.com",
                                         "127.0.0.1/..",
                                         "127.0.0.1:80",
                                         "localhost.evil.com",
                                         "" };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        assert_false(heartbeat_address_ok(names[i], "127.0.0.1", NULL, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_hive_report_is_read),
        cmocka_unit_test(a_reason_that_is_too_long_is_cut_between_two_characters),
        cmocka_unit_test(lies_are_refused_by_field),
        cmocka_unit_test(lies_about_models_are_refused_by_field),
        cmocka_unit_test(a_model_without_a_name_is_refused),
        cmocka_unit_test(a_report_of_too_many_workers_is_refused),
        cmocka_unit_test(a_worker_reports_itself),
        cmocka_unit_test(an_address_must_lead_back_to_its_sender),
    };

    return cmocka_run_group_tests_name("heartbeat_json", tests, NULL, NULL);
}
