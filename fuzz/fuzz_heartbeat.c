/*
 * Whatever a heartbeat says, it is read or refused, never half: what is believed
 * passes its own checks or is refused by them, and nothing leaks. Both shapes are
 * tried on the same bytes.
 */
#include "api/heartbeat_json.h"
#include "expect.h"

#include <stdint.h>
#include <stdlib.h>

static void check(int rc, struct heartbeat *h, const struct err *err)
{
    struct err check_err;

    if (rc < 0) {
        expect(err->code == rc && err->msg[0] != '\0');
        return;
    }
    expect(h->workers_len <= WORKERS_PER_HIVE_MAX && h->hive.models_len <= MODELS_PER_HIVE_MAX);
    for (size_t i = 0; i < h->workers_len; i++)
        if (worker_facts_check(&h->workers[i], &check_err) == 0)
            expect(h->workers[i].id[0] != '\0' && h->workers[i].slots >= 1);
    (void)!hive_facts_check(&h->hive, &check_err);
    heartbeat_free(h);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str body = { (const char *)data, size };
    struct heartbeat h;
    struct err err = { 0 };

    check(heartbeat_parse_hive(body, &h, &err), &h, &err);
    check(heartbeat_parse_worker(body, &h, &err), &h, &err);
    return 0;
}
