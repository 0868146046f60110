/*
 * Whatever a context made by hand says, it is read or refused with words; rules and estimates
 * over it neither crash nor hang; and once written, it reads and writes the same for good.
 */
#include "base/buf.h"
#include "base/json_write.h"
#include "expect.h"
#include "snapshot/context.h"

#include <stdint.h>

enum { WRITTEN_MAX = 64 * 1024 * 1024 };

static struct region *region(void)
{
    static struct region *kept; /* clearing what one input used is cheaper than a new one */

    if (!kept)
        kept = region_new(sizeof(struct snapshot), 0, NULL);
    region_reset(kept);
    return kept;
}

static void write_whole(const struct snapshot *s, struct buf *buf)
{
    struct json_out out;

    buf_init(buf, WRITTEN_MAX);
    json_out_init(&out, buf);
    json_begin(&out, NULL, '{');
    context_write(&out, s);
    json_end(&out);
    expect(!buf->overflowed);
}

static void ask_about(const struct snapshot *s, const struct snap_job *job)
{
    (void)snapshot_wait_ms(s, job);
    (void)snapshot_job_wait_ms(s, job);
    (void)snapshot_job_deadline_ms(s, job);
    (void)snapshot_predicted_tokens(s, job);
    for (uint32_t row = 0; row < s->header.workers; row++) {
        const struct snap_worker *w = snapshot_worker(s, row);
        bool can_run = snapshot_can_run(s, w, job) == SNAP_OK;

        expect(!can_run || snapshot_room(w) > 0);
        expect(!snapshot_is_idle(w) || snapshot_room(w) > 0);
        (void)snapshot_estimated_time_ms(s, w, job);
        (void)snapshot_can_evict(s, w, 1);
    }
}

/* What was said of a worker that has no id may be lost by writing, once. */
static void check_settles(const struct snapshot *s)
{
    struct buf first, second, third;
    struct err err;

    write_whole(s, &first);
    expect(context_read(region(), buf_str(&first), 1, &err) == 0);
    write_whole(s, &second);
    expect(context_read(region(), buf_str(&second), 1, &err) == 0);
    write_whole(s, &third);
    expect(buf_len(&second) == buf_len(&third));
    expect(memcmp(buf_cstr(&second), buf_cstr(&third), buf_len(&second)) == 0);
    buf_deinit(&first);
    buf_deinit(&second);
    buf_deinit(&third);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct region *r = region();
    const struct snapshot *s = region_bytes(r);
    struct err err = { 0 };
    int rc = context_read(r, (struct str){ (const char *)data, size }, 1000, &err);

    if (rc < 0) {
        expect(err.code == rc && err.msg[0] != '\0');
        return 0;
    }
    for (uint32_t row = 0; row < s->header.jobs && row < 8; row++)
        ask_about(s, snapshot_job(s, row));
    check_settles(s);
    return 0;
}
