#include "api/answer_headers.h"

enum { NUMBER_SIZE = 48 };

/* Milliseconds with three decimals. */
static void put_ms(struct buf *text, uint64_t us)
{
    uint64_t rest = us % 1000;

    (void)buf_put_uint(text, us / 1000);
    (void)buf_putc(text, '.');
    for (uint64_t digit = 100; digit > 0; digit /= 10)
        (void)buf_putc(text, (char)('0' + rest / digit % 10));
}

void answer_headers_set(struct http_request *req, const struct answer_facts *facts)
{
    char bytes[NUMBER_SIZE];
    struct buf text;

    buf_init_fixed(&text, bytes, sizeof(bytes));
    put_ms(&text, facts->overhead_us);
    http_reply_header(req, "x-rbee-overhead-ms", buf_str(&text));
    buf_clear(&text);
    (void)buf_put_uint(&text, facts->queue_ms);
    http_reply_header(req, "x-rbee-queue-ms", buf_str(&text));
    http_reply_header(req, "x-rbee-policy", str_of(facts->policy));
    if (facts->worker_id && facts->worker_id[0])
        http_reply_header(req, "x-rbee-worker", str_of(facts->worker_id));
}
