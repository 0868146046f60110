/*
 * A request body is accepted or refused with words, by every route; what is accepted
 * keeps its promises: a model, a token count in range, views inside the body.
 */
#include "api/infer_request.h"
#include "expect.h"

#include <stdint.h>
#include <stdlib.h>

static bool is_inside(struct str part, struct str whole)
{
    return !part.p || (part.p >= whole.p && part.p + part.len <= whole.p + whole.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str body = { (const char *)data, size };

    for (enum infer_route route = INFER_CHAT; route <= INFER_NATIVE; route++) {
        struct infer_request r;
        struct err err = { 0 };
        int rc = infer_request_parse(route, body, &r, &err);
        if (rc < 0) {
            expect(err.code == rc && err.msg[0] != '\0');
            continue;
        }
        expect(r.spec.model[0] != '\0' && r.spec.bytes == size);
        expect(r.spec.max_tokens >= 0 && r.spec.max_tokens <= INT32_MAX);
        expect(is_inside(r.prompt, body) && is_inside(r.messages, body));
        infer_request_free(&r);
    }
    return 0;
}
