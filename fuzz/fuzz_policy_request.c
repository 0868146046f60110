/*
 * An administrator's body is accepted or refused with words, by every call; what is
 * accepted keeps its promises: numbers in range, valid names, views that can be read.
 */
#include "api/policy_request.h"
#include "expect.h"

#include <stdint.h>
#include <stdlib.h>

static unsigned touch(struct str s)
{
    unsigned sum = 0;

    for (size_t i = 0; i < s.len; i++)
        sum += (unsigned char)s.p[i];
    return sum;
}

static void check(enum admin_call call, const struct policy_request *r, struct str body)
{
    (void)touch(r->source);
    (void)touch(r->context);
    expect(r->source.len <= body.len);
    expect(r->name[0] == '\0' || policy_name_is_valid(str_of(r->name)));
    expect(r->calls >= 1 && r->calls <= SIMULATED_CALLS_MAX);
    expect(r->has_source || r->name[0] != '\0');
    expect(r->language < SCRIPT_LANGUAGE_COUNT_);
    expect(r->from <= r->to && r->to - r->from < REPLAYED_MAX);
    expect(call != CALL_REPLAY || r->from > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str body = { (const char *)data, size };

    for (int call = 0; call < ADMIN_CALL_COUNT_; call++) {
        for (int is_lenient = 0; is_lenient < 2; is_lenient++) {
            struct policy_request r;
            struct err err = { 0 };
            int rc = policy_request_read((enum admin_call)call, body, is_lenient, &r, &err);
            if (rc < 0) {
                expect(err.code == rc && err.msg[0] != '\0');
                continue;
            }
            check((enum admin_call)call, &r, body);
            policy_request_free(&r);
        }
    }
    return 0;
}
