/* Values, by the kind of the member that takes them. */
#include "snapshot/context_reader.h"

#include "base/json_texts.h"
#include "base/json_write.h"
#include "base/mem.h"
#include "base/parse.h"

#include <math.h>
#include <stdio.h>

enum { KEY_SIZE = 256 };

static void *member(const struct context_target *t)
{
    return t->row + t->field->offset;
}

/* Each reads one value. True: it is to be kept as it was given, too. */
typedef bool read_fn(struct reader *x, struct json *j, const struct context_target *t);

/* A number as an integer. True: it was none, or too large for one. */
static bool read_whole(struct json *j, int64_t min, int64_t max, int64_t *ret)
{
    struct str raw;
    double approximate;
    int64_t value;
    bool is_cut = false;

    if (json_peek(j) != JSON_NUMBER) {
        json_read_double(j, &approximate); /* says what is wrong */
        return false;
    }
    json_read_raw(j, &raw);
    if (j->failed)
        return false;
    if (!parse_i64_str(raw, &value)) {
        if (!parse_double_str(raw, &approximate))
            approximate = *raw.p == '-' ? -HUGE_VAL : HUGE_VAL;
        value = approximate >= 0x1p63    ? INT64_MAX
                : approximate <= -0x1p63 ? INT64_MIN
                                         : (int64_t)approximate;
        is_cut = (double)value != approximate;
    }
    if (value < min || value > max)
        json_fail(j, "must be from %lld to %lld, found %.*s", (long long)min, (long long)max,
                  raw.len > 40 ? 40 : (int)raw.len, raw.p);
    else
        *ret = value;
    return is_cut;
}

static bool read_u32(struct reader *x, struct json *j, const struct context_target *t)
{
    int64_t value = 0;
    (void)x;

    bool is_cut = read_whole(j, 0, UINT32_MAX, &value);
    *(uint32_t *)member(t) = (uint32_t)value;
    return is_cut;
}

static bool read_u64(struct reader *x, struct json *j, const struct context_target *t)
{
    int64_t value = 0;
    (void)x;

    bool is_cut = read_whole(j, 0, INT64_MAX, &value);
    *(uint64_t *)member(t) = (uint64_t)value;
    return is_cut;
}

static bool read_bits(struct reader *x, struct json *j, const struct context_target *t)
{
    int64_t value = 0;
    (void)x;

    if (json_peek(j) == JSON_STRING) { /* a hash in somebody's own notation */
        json_skip(j);
        return true;
    }
    bool is_cut = read_whole(j, INT64_MIN, INT64_MAX, &value);
    *(uint64_t *)member(t) = (uint64_t)value;
    return is_cut;
}

static bool read_bytes(struct reader *x, struct json *j, const struct context_target *t)
{
    int64_t value = 0;
    (void)x;

    bool is_cut = read_whole(j, 0, INT64_MAX, &value);
    *(uint64_t *)member(t) = (uint64_t)value / SNAP_MB_BYTES;
    return is_cut || value % SNAP_MB_BYTES != 0;
}

static bool read_number(struct reader *x, struct json *j, const struct context_target *t)
{
    (void)x;
    json_read_double(j, member(t));
    return false;
}

static bool read_bool(struct reader *x, struct json *j, const struct context_target *t)
{
    bool value = false;
    (void)x;

    json_read_bool(j, &value);
    *(uint8_t *)member(t) = value;
    return false;
}

/* A string; "" after a failure. Ids with a NUL in them are somebody's trick. */
static struct str read_str(struct reader *x, struct json *j)
{
    struct str value = { "", 0 };

    json_read_str(j, &x->scratch, &value);
    if (value.len == 0 || !memchr(value.p, '\0', value.len))
        return value;
    json_fail(j, "must not hold a NUL character");
    return (struct str){ "", 0 };
}

static bool read_text(struct reader *x, struct json *j, const struct context_target *t)
{
    *(struct snap_text *)member(t) = context_put_text(x, read_str(x, j));
    return false;
}

static void add_item(struct reader *x, struct str item)
{
    (void)buf_add(&x->items, item.p, item.len);
    (void)buf_putc(&x->items, '\0');
}

static bool read_list(struct reader *x, struct json *j, const struct context_target *t)
{
    buf_clear(&x->items);
    json_array(j) add_item(x, read_str(x, j));
    *(struct snap_text *)member(t) = context_put_text(x, buf_str(&x->items));
    return false;
}

/* Values that are no strings stand as their JSON text: labels are texts. */
static bool read_map(struct reader *x, struct json *j, const struct context_target *t)
{
    char key[KEY_SIZE];
    struct str value;

    buf_clear(&x->items);
    json_object(j)
    {
        if (!json_key_copy(j, key, sizeof(key)) || json_read_null(j))
            continue;
        add_item(x, str_of(key));
        if (json_peek(j) == JSON_STRING)
            value = read_str(x, j);
        else
            json_read_raw(j, &value);
        add_item(x, j->failed ? str_of("") : value);
    }
    *(struct snap_text *)member(t) = context_put_text(x, buf_str(&x->items));
    return false;
}

/* The index of a word; `unknown` for others and for what is no string. */
static uint8_t read_word(struct reader *x, struct json *j, const char *const *words,
                         uint8_t unknown, struct str *ret)
{
    *ret = str_of("");
    if (json_peek(j) != JSON_STRING) {
        json_skip(j);
        return unknown;
    }
    *ret = read_str(x, j);
    for (uint8_t i = 0; words[i]; i++) {
        if (str_eq(*ret, words[i]))
            return i;
    }
    return unknown;
}

enum { UNKNOWN_WORD = 255 };

static bool read_status(struct reader *x, struct json *j, const struct context_target *t)
{
    struct str word;
    uint8_t status = read_word(x, j, context_statuses, SNAP_UNSAID, &word);

    *(uint8_t *)member(t) = status;
    if (str_eq(word, "offline"))
        ((struct snap_worker *)(void *)t->row)->live = SNAP_OFFLINE;
    return status == SNAP_UNSAID;
}

/* Words that are not ours read as given, and mean the first of ours. */
static bool read_one_of(struct reader *x, struct json *j, const struct context_target *t,
                        const char *const *words)
{
    struct str word;
    uint8_t value = read_word(x, j, words, UNKNOWN_WORD, &word);

    *(uint8_t *)member(t) = value == UNKNOWN_WORD ? 0 : value;
    return value == UNKNOWN_WORD;
}

static bool read_liveness(struct reader *x, struct json *j, const struct context_target *t)
{
    return read_one_of(x, j, t, context_livenesses);
}

static bool read_health(struct reader *x, struct json *j, const struct context_target *t)
{
    return read_one_of(x, j, t, context_healths);
}

static bool read_priority(struct reader *x, struct json *j, const struct context_target *t)
{
    return read_one_of(x, j, t, context_priorities);
}

static bool read_deadline(struct reader *x, struct json *j, const struct context_target *t)
{
    int64_t left = INT64_MAX, at;
    bool is_cut = read_whole(j, INT64_MIN, INT64_MAX, &left);

    if (left == INT64_MAX || __builtin_add_overflow(left, (int64_t)x->header.now_ms, &at))
        ((struct snap_job *)(void *)t->row)->given &= ~(uint32_t)SNAP_HAS_DEADLINE;
    else
        *(int64_t *)member(t) = at;
    return is_cut;
}

static bool is_text(const struct reader *x, struct snap_text text, struct str wanted)
{
    struct str here = snapshot_text(rows_of(x->r), text);

    return here.len == wanted.len && memcmp(here.p, wanted.p, here.len) == 0;
}

/* By an alias: the row is the model's, the name stays as given. */
static bool read_model(struct reader *x, struct json *j, const struct context_target *t)
{
    struct str ref = read_str(x, j);
    uint32_t row = context_model_row(x, ref);

    *(uint32_t *)member(t) = row;
    return row != SNAP_NONE && rows_of(x->r)->models[row].ref.len > 0 &&
           !is_text(x, rows_of(x->r)->models[row].ref, ref);
}

static bool read_gpu_ids(struct reader *x, struct json *j, const struct context_target *t)
{
    struct snap_worker *w = (struct snap_worker *)(void *)t->row;
    bool is_kept = false;
    struct str raw;
    uint64_t id;
    (void)x;

    w->gpu_ids_len = 0;
    json_array(j)
    {
        json_read_raw(j, &raw);
        if (j->failed)
            continue;
        if (w->gpu_ids_len < SNAP_WORKER_GPUS_MAX && parse_u64_str(raw, &id) && id <= UINT32_MAX)
            w->gpu_ids[w->gpu_ids_len++] = (uint32_t)id;
        else
            is_kept = true;
    }
    return is_kept;
}

static bool read_count(struct reader *x, struct json *j, const struct context_target *t)
{
    if (json_peek(j) != JSON_ARRAY)
        return read_u32(x, j, t);

    uint32_t count = 0;
    json_array(j)
    {
        json_skip(j);
        count++;
    }
    *(uint32_t *)member(t) = count;
    return true;
}

/* `offset` 1: in MB, 0: in bytes. */
static bool read_gpu_free(struct reader *x, struct json *j, const struct context_target *t)
{
    int64_t value = 0;

    (void)read_whole(j, 0, INT64_MAX, &value);
    x->gpu_free_mb = t->field->offset ? value : value / SNAP_MB_BYTES;
    return true;
}

static void read_gpu(struct reader *x, struct str raw, struct snap_gpu *gpu, const char *path)
{
    bool is_kept;

    memset(gpu, 0, sizeof(*gpu));
    gpu->temperature_c = -1000;
    x->gpu_free_mb = -1;
    context_read_members(x, raw, &context_gpus, gpu, path, &is_kept);
    if (x->gpu_free_mb < 0)
        return;
    uint64_t free_mb = (uint64_t)x->gpu_free_mb;
    if (gpu->vram_total_mb == 0)
        gpu->vram_total_mb = free_mb + gpu->vram_allocated_mb;
    else
        gpu->vram_allocated_mb = gpu->vram_total_mb > free_mb ? gpu->vram_total_mb - free_mb : 0;
}

static bool read_gpus(struct reader *x, struct json *j, const struct context_target *t)
{
    struct snap_pool *pool = (struct snap_pool *)(void *)t->row;
    char path[CONTEXT_PATH_SIZE], name[CONTEXT_PATH_SIZE];
    struct str raw;

    (void)snprintf(name, sizeof(name), "%s.gpus", t->path);
    pool->gpus_len = 0;
    json_array(j)
    {
        json_read_raw(j, &raw);
        context_path(path, name, pool->gpus_len);
        if (pool->gpus_len == SNAP_POOL_GPUS_MAX)
            json_fail(j, "must have at most %d", SNAP_POOL_GPUS_MAX);
        else if (!j->failed && !x->err.code)
            read_gpu(x, raw, &pool->gpus[pool->gpus_len++], path);
    }
    return false;
}

/* {"w1": 512}: workers that are not there keep the text. */
static bool read_warm(struct reader *x, struct json *j, const struct context_target *t)
{
    struct snap_job *job = (struct snap_job *)(void *)t->row;
    char id[KEY_SIZE];
    bool is_kept = false;

    job->warm_len = 0;
    json_object(j)
    {
        int64_t tokens = 0;

        if (!json_key_copy(j, id, sizeof(id)))
            continue;
        is_kept |= read_whole(j, 0, UINT32_MAX, &tokens);
        uint32_t row = context_row(&x->workers, str_of(id));
        if (row == SNAP_NONE || job->warm_len == SNAP_WARM_MAX)
            is_kept = true;
        else
            job->warm[job->warm_len++] = (struct snap_warm){ .worker = row,
                                                             .generation = 1,
                                                             .cached_tokens = (uint32_t)tokens };
    }
    return is_kept;
}

static bool read_tried(struct reader *x, struct json *j, const struct context_target *t)
{
    struct snap_job *job = (struct snap_job *)(void *)t->row;
    bool is_kept = false;

    job->tried_len = 0;
    json_array(j)
    {
        uint32_t row = context_row(&x->workers, read_str(x, j));

        if (row == SNAP_NONE || job->tried_len == SNAP_TRIED_MAX) {
            is_kept = true;
            continue;
        }
        job->tried[job->tried_len].worker = row;
        job->tried[job->tried_len++].generation = 1;
    }
    return is_kept;
}

static bool read_nested(struct reader *x, struct json *j, const struct context_target *t)
{
    char path[CONTEXT_PATH_SIZE];
    bool is_kept = false;
    struct str raw;

    json_read_raw(j, &raw);
    if (j->failed)
        return false;
    (void)snprintf(path, sizeof(path), "%s.%s", t->path, t->field->name);
    context_read_members(x, raw, t->field->nested, t->row, path, &is_kept);
    return is_kept;
}

/* Needs rows that are not read yet: context_read.c comes back for it. */
static bool read_later(struct reader *x, struct json *j, const struct context_target *t)
{
    (void)x;
    (void)t;
    json_skip(j);
    return false;
}

static read_fn *const readers[CONTEXT_KIND_COUNT_] = {
    [CONTEXT_TEXT] = read_text,         [CONTEXT_LIST] = read_list,
    [CONTEXT_MAP] = read_map,           [CONTEXT_BOOL] = read_bool,
    [CONTEXT_U32] = read_u32,           [CONTEXT_U64] = read_u64,
    [CONTEXT_BITS] = read_bits,         [CONTEXT_NUMBER] = read_number,
    [CONTEXT_POSITIVE] = read_number,   [CONTEXT_NESTED] = read_nested,
    [CONTEXT_BYTES] = read_bytes,       [CONTEXT_STATUS] = read_status,
    [CONTEXT_LIVENESS] = read_liveness, [CONTEXT_HEALTH] = read_health,
    [CONTEXT_PRIORITY] = read_priority, [CONTEXT_DEADLINE] = read_deadline,
    [CONTEXT_MODEL] = read_model,       [CONTEXT_GPU_IDS] = read_gpu_ids,
    [CONTEXT_GPUS] = read_gpus,         [CONTEXT_COUNT] = read_count,
    [CONTEXT_MEMBERS] = read_later,     [CONTEXT_GPU_FREE] = read_gpu_free,
    [CONTEXT_LOADS] = read_later,       [CONTEXT_WARM] = read_warm,
    [CONTEXT_TRIED] = read_tried,
};

bool context_read_value(struct reader *x, struct json *j, const struct context_target *t)
{
    return readers[t->field->kind](x, j, t);
}
