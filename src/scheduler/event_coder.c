#include "scheduler/event_coder.h"

#include <assert.h>
#include <string.h>

enum { LEB128_MORE = 0x80, LEB128_BITS = 7 };

static void fail(struct coder *k)
{
    k->is_broken = true;
    k->in = (struct str){ NULL, 0 };
}

void *coder_alloc(struct coder *k, size_t count, size_t size)
{
    if (count == 0)
        return NULL;
    void *p = count <= k->arena->max / size ? arena_alloc(k->arena, count * size) : NULL;
    if (!p)
        fail(k);
    return p;
}

/* --- Numbers ------------------------------------------------------------------- */

static void write_u64(struct coder *k, uint64_t value)
{
    char bytes[10];
    size_t len = 0;

    while (value >= LEB128_MORE) {
        bytes[len++] = (char)(value | LEB128_MORE);
        value >>= LEB128_BITS;
    }
    bytes[len++] = (char)value;
    (void)buf_add(k->out, bytes, len);
}

static uint64_t read_u64(struct coder *k)
{
    uint64_t value = 0;

    for (unsigned shift = 0; k->in.len > 0 && shift < 64; shift += LEB128_BITS) {
        unsigned char byte = (unsigned char)*k->in.p;

        k->in.p++;
        k->in.len--;
        value |= (uint64_t)(byte & (LEB128_MORE - 1)) << shift;
        if (!(byte & LEB128_MORE))
            return value;
    }
    fail(k);
    return 0;
}

/* What is read must not be above `max`. */
static uint64_t code_number(struct coder *k, uint64_t value, uint64_t max)
{
    if (!coder_reads(k)) {
        write_u64(k, value);
        return value;
    }
    value = read_u64(k);
    if (value <= max)
        return value;
    fail(k);
    return 0;
}

void code_u64(struct coder *k, uint64_t *value)
{
    *value = code_number(k, *value, UINT64_MAX);
}

/* Small negative numbers are small: 0, -1, 1, -2 … */
void code_i64(struct coder *k, int64_t *value)
{
    uint64_t folded = ((uint64_t)*value << 1) ^ (*value < 0 ? UINT64_MAX : 0);

    folded = code_number(k, folded, UINT64_MAX);
    *value = (int64_t)((folded >> 1) ^ (folded & 1 ? UINT64_MAX : 0));
}

void code_u32(struct coder *k, uint32_t *value)
{
    *value = (uint32_t)code_number(k, *value, UINT32_MAX);
}

void code_i32(struct coder *k, int32_t *value)
{
    int64_t wide = *value;

    code_i64(k, &wide);
    if (wide < INT32_MIN || wide > INT32_MAX) {
        fail(k);
        wide = 0;
    }
    *value = (int32_t)wide;
}

void code_u16(struct coder *k, uint16_t *value)
{
    *value = (uint16_t)code_number(k, *value, UINT16_MAX);
}

void code_bool(struct coder *k, bool *value)
{
    *value = code_number(k, *value, 1) == 1;
}

unsigned code_enum(struct coder *k, unsigned value, unsigned end)
{
    return (unsigned)code_number(k, value, end - 1);
}

size_t code_len(struct coder *k, size_t len, size_t max)
{
    return code_number(k, len, max);
}

/* Its bits: what it is must come back exactly. */
void code_double(struct coder *k, double *value)
{
    uint64_t bits;

    static_assert(sizeof(bits) == sizeof(*value), "a double has 64 bits");
    memcpy(&bits, value, sizeof(bits));
    code_u64(k, &bits);
    memcpy(value, &bits, sizeof(bits));
}

/* --- Texts ---------------------------------------------------------------------- */

static void write_bytes(struct coder *k, const char *bytes, size_t len)
{
    write_u64(k, len);
    (void)buf_add(k->out, bytes, len);
}

/* A view into the log. */
static struct str read_bytes(struct coder *k, size_t max)
{
    struct str bytes = { k->in.p, code_len(k, 0, max) };

    if (bytes.len > k->in.len) {
        fail(k);
        bytes.len = 0;
    }
    bytes.p = k->in.p;
    if (bytes.len > 0) {
        k->in.p += bytes.len;
        k->in.len -= bytes.len;
    }
    return bytes;
}

void code_text(struct coder *k, char *text, size_t size)
{
    if (!coder_reads(k))
        write_bytes(k, text, strnlen(text, size));
    else if (!str_copy(text, size, read_bytes(k, size - 1)))
        fail(k);
}

void code_view(struct coder *k, const char **text, size_t size)
{
    bool is_there = *text != NULL;

    code_bool(k, &is_there);
    if (!coder_reads(k)) {
        if (is_there)
            write_bytes(k, *text, strnlen(*text, size - 1));
        return;
    }
    *text = NULL;
    if (!is_there)
        return;
    struct str bytes = read_bytes(k, size - 1);
    char *copy = coder_alloc(k, bytes.len + 1, 1);
    if (copy && !str_copy(copy, bytes.len + 1, bytes))
        fail(k);
    *text = copy;
}

/* Keys and values, each with its NUL, as struct labels has them. */
static bool are_labels(struct str text, size_t count)
{
    size_t ends = 0;

    for (size_t i = 0; i < text.len; i++)
        ends += text.p[i] == '\0';
    return ends == 2 * count && (text.len == 0 || text.p[text.len - 1] == '\0');
}

void code_labels(struct coder *k, struct labels *labels)
{
    labels->count = code_len(k, labels->count, LABELS_MAX);
    if (!coder_reads(k)) {
        write_bytes(k, labels->text, labels->bytes);
        return;
    }
    struct str text = read_bytes(k, LABELS_MAX * (LABEL_KEY_MAX + LABEL_VALUE_MAX + 2));
    *labels = (struct labels){ .count = labels->count };
    if (!are_labels(text, labels->count)) {
        fail(k);
        labels->count = 0;
        return;
    }
    labels->text = coder_alloc(k, text.len, 1);
    if (!labels->text) {
        labels->count = 0;
        return;
    }
    labels->bytes = text.len;
    memcpy(labels->text, text.p, text.len);
}

void code_err(struct coder *k, struct err *err)
{
    int32_t code = err->code, sys_errno = err->sys_errno;

    code_i32(k, &code);
    code_i32(k, &sys_errno);
    err->code = code;
    err->sys_errno = sys_errno;
    code_u32(k, &err->retry_after_ms);
    code_u32(k, &err->policy_status);
    code_text(k, err->policy_code, sizeof(err->policy_code));
    code_text(k, err->param, sizeof(err->param));
    code_text(k, err->msg, sizeof(err->msg));
}

void code_decision(struct coder *k, struct decision *d)
{
    uint32_t action = d->action;

    code_u32(k, &action); /* any: the core checks it */
    d->action = action;
    code_text(k, d->job_id, sizeof(d->job_id));
    code_text(k, d->worker_id, sizeof(d->worker_id));
    code_text(k, d->hive_id, sizeof(d->hive_id));
    code_text(k, d->model, sizeof(d->model));
    code_i32(k, &d->gpu);
    code_u32(k, &d->retry_after_ms);
    code_u32(k, &d->status);
    code_text(k, d->code, sizeof(d->code));
    code_text(k, d->reason, sizeof(d->reason));
}
