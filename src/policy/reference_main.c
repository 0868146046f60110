/* api-reference: writes docs/policies/reference.md ("page") or api.json ("json") to stdout. */
#include "policy/api.h"

#include <stdio.h>
#include <string.h>

enum { OUTPUT_BYTES_MAX = 1024 * 1024 };

int main(int argc, char **argv)
{
    struct buf out;
    struct json_out json;

    buf_init(&out, OUTPUT_BYTES_MAX);
    json_out_init(&json, &out);
    if (argc == 2 && strcmp(argv[1], "page") == 0) {
        api_reference_page(&out);
    } else if (argc == 2 && strcmp(argv[1], "json") == 0) {
        api_reference_json(&json);
        (void)buf_putc(&out, '\n');
    } else {
        (void)fprintf(stderr, "usage: %s page|json\n", argv[0]);
        return 2;
    }
    struct str text = buf_str(&out);
    bool ok =
        !out.overflowed && fwrite(text.p, 1, text.len, stdout) == text.len && fflush(stdout) == 0;
    buf_deinit(&out);
    return ok ? 0 : 1;
}
