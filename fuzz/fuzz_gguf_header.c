/* Heads of GGUF files: whatever they hold, reading stays inside and says nothing absurd. */
#include "models/gguf_header.h"

#include "expect.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str head = { (const char *)data, size };

    expect(gguf_context_length(head) <= INT32_MAX);
    if (!gguf_has_magic(head))
        expect(gguf_context_length(head) == 0);
    return 0;
}
