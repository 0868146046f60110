/*
 * Whatever is taken for an endpoint can be shown, and what is shown is taken again
 * and means the same.
 */
#include "loop/endpoint.h"
#include "expect.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct endpoint e, again;
    struct err err = { 0 };
    char shown[ENDPOINT_TEXT_SIZE];

    if (endpoint_parse((struct str){ (const char *)data, size }, &e, &err) < 0) {
        expect(err.code == ERR_INVALID && err.msg[0]);
        return 0;
    }
    endpoint_text(&e, shown);
    expect(endpoint_parse(str_of(shown), &again, &err) == 0);
    expect(strcmp(e.host, again.host) == 0 && e.port == again.port);
    expect(e.is_unix == again.is_unix);
    expect(endpoint_is_loopback(&e) == endpoint_is_loopback(&again));
    return 0;
}
