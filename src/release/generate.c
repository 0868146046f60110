/*
 * Contexts out of a seeded generator, as JSON through the same reader that contexts made by
 * hand go through: a policy is tried on what anybody could give it. Sixteen shapes, each with
 * several seeds; what follows from a number stays the same in every run.
 */
#include "base/json_write.h"
#include "base/mem.h"
#include "base/random.h"
#include "release/validation.h"
#include "snapshot/context.h"

#include <assert.h>
#include <stdio.h>

enum {
    BARE = 1 << 0,       /* without whatever may be absent */
    HUGE_ONES = 1 << 1,  /* numbers at the ends of their types */
    HOSTILE = 1 << 2,    /* texts that nobody expects */
    BUSY = 1 << 3,       /* no worker has room */
    OFFLINE = 1 << 4,    /* all hives are */
    FAILED = 1 << 5,     /* all workers are failed, starting or draining */
    NO_GPU = 1 << 6,     /* nor memory of one */
    LATE = 1 << 7,       /* deadlines that have passed */
    EMBEDDINGS = 1 << 8, /* and pictures: not text */
    ONE_MODEL = 1 << 9,  /* everybody has what everybody wants */
};

/* clang-format off */
static const struct shape {
    const char *name;
    unsigned workers, pools, jobs, flags;
} shapes[] = {
    { "nothing",                0,  0, 0, 0 },
    { "one idle worker",        1,  1, 0, 0 },
    { "jobs without workers",   0,  0, 3, 0 },
    { "hives without workers",  0,  2, 3, 0 },
    { "one of each",            1,  1, 1, ONE_MODEL },
    { "one of each, bare",      1,  1, 1, ONE_MODEL | BARE },
    { "usual",                  8,  2, 5, 0 },
    { "bare",                   8,  2, 5, BARE },
    { "huge numbers",           8,  2, 5, HUGE_ONES | ONE_MODEL },
    { "hostile texts",          8,  2, 5, HOSTILE },
    { "busy",                   6,  2, 4, BUSY },
    { "offline",                6,  2, 4, OFFLINE },
    { "failed",                 6,  2, 4, FAILED },
    { "no GPUs",                6,  3, 4, NO_GPU | BARE },
    { "embeddings",            24, 12, 8, EMBEDDINGS },
    { "late",                   8,  2, 6, LATE | ONE_MODEL },
};

/* Numbers of a row: from 0 to below `usual`, or one of the ends. */
struct number {
    const char *name;
    uint64_t usual, huge;
    bool is_optional;
};
static const struct number worker_numbers[] = {
    { "rss_mb",                16000,   INT64_MAX,  false },
    { "in_flight_tokens",      4000,    INT64_MAX,  false },
    { "queued_prefill_tokens", 2000,    INT64_MAX,  false },
    { "uptime_s",              900000,  INT64_MAX,  false },
    { "residency_ms",          9000000, INT64_MAX,  false },
    { "pid",                   32768,   UINT32_MAX, false },
    { "cpu_pct",               100,     INT64_MAX,  false },
    { "cost_per_token",        10,      INT64_MAX,  false },
    { "kv_used_pct",           100,     INT64_MAX,  true  },
    { "tokens_per_s",          90,      INT64_MAX,  true  },
    { "load_time_ms",          40000,   INT64_MAX,  true  },
};
static const struct number job_numbers[] = {
    { "prompt_tokens",    8000,       UINT32_MAX, false },
    { "max_tokens",       4096,       INT64_MAX,  false },
    { "prompt_hash",      1ULL << 40, INT64_MAX,  false },
    { "wait_ms",          60000,      INT64_MAX,  false },
    { "retry_count",      3,          UINT32_MAX, false },
    { "temperature",      2,          INT64_MAX,  false },
    { "seed",             1ULL << 31, INT64_MAX,  true  },
    { "predicted_tokens", 900,        UINT32_MAX, true  },
    { "slo_ttft_ms",      5000,       UINT32_MAX, true  },
};
static const struct number model_numbers[] = {
    { "size_bytes",       1ULL << 36, INT64_MAX, false },
    { "vram_required_mb", 48000,      INT64_MAX, false },
    { "context_length",   131072,     INT64_MAX, false },
};
static const struct number tenant_numbers[] = {
    { "weight",             8,          INT64_MAX,  false },
    { "quota_vram",         1ULL << 36, INT64_MAX,  false },
    { "quota_used",         1ULL << 36, INT64_MAX,  false },
    { "quota_tokens_daily", 1000000,    INT64_MAX,  false },
    { "tokens_used_today",  1000000,    INT64_MAX,  false },
    { "max_concurrent",     8,          UINT32_MAX, false },
    { "concurrent",         8,          UINT32_MAX, false },
};
/* clang-format on */

static const char *const models[] = { "llama-7b", "llama-13b", "llama-70b", "rbee-tiny", "sdxl" };
static const char *const regions[] = { "EU", "US", "ASIA", "" };
static const char *const backends[] = { "cuda", "cpu", "metal", "rocm" };
static const char *const types[] = { "text-gen", "embeddings", "image-gen" };
static const char *const ill[] = { "failed", "starting", "draining" };
static const char *const tenants[] = { "tenant-1", "tenant-2", "tenant-3" };
static const char *const nasty[] = {
    "",
    " ",
    "a\"b\\c'd",
    "\x01\x1b[31m\x7f\r\n\t",
    "caf\xc3\xa9 \xe6\x97\xa5\xe6\x9c\xac \xf0\x9f\x90\x9d \xe2\x80\xae",
    "../../etc/passwd",
    "%s%n%99999d",
    "' OR 1=1 --",
    "[^%]*(.-)%1",
    "nil",
    "-0",
};
enum { NASTY_LONG = 4000 }; /* and one that is only long */

struct generator {
    struct rng rng;
    struct json_out o;
    struct shape shape;
};

#define PICK(g, list) (list)[rng_below(&(g)->rng, sizeof(list) / sizeof((list)[0]))]

static bool is(const struct generator *g, unsigned flag)
{
    return (g->shape.flags & flag) != 0;
}

static bool happens(struct generator *g, unsigned percent)
{
    return rng_below(&g->rng, 100) < percent;
}

/* Of what may be absent, much is. */
static bool is_there(struct generator *g)
{
    return !is(g, BARE) && happens(g, 80);
}

static void put_numbers(struct generator *g, const struct number *numbers, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        const struct number *n = &numbers[i];
        if (n->is_optional && !is_there(g))
            continue;
        if (is(g, HUGE_ONES) && happens(g, 50))
            json_uint(&g->o, n->name, happens(g, 50) ? n->huge : 0);
        else
            json_uint(&g->o, n->name, rng_below(&g->rng, n->usual));
    }
}
#define PUT_NUMBERS(g, numbers) put_numbers(g, numbers, sizeof(numbers) / sizeof((numbers)[0]))

static void put_text(struct generator *g, const char *name, const char *usual)
{
    char long_one[NASTY_LONG + 1] = "";

    if (!is(g, HOSTILE) || happens(g, 40)) {
        json_str(&g->o, name, usual);
    } else if (happens(g, 10)) {
        memset(long_one, 'x', NASTY_LONG);
        json_str(&g->o, name, long_one);
    } else {
        json_str(&g->o, name, PICK(g, nasty));
    }
}

/* Ids are what the queen itself has checked: never strange. */
static void put_id(struct generator *g, const char *name, const char *prefix, unsigned n)
{
    char id[32];

    (void)snprintf(id, sizeof(id), "%s-%u", prefix, n);
    json_str(&g->o, name, id);
}

static const char *a_model(struct generator *g)
{
    return is(g, ONE_MODEL) ? models[0] : PICK(g, models);
}

static void put_labels(struct generator *g)
{
    if (!is_there(g))
        return;
    json_begin(&g->o, "labels", '{');
    put_text(g, "zone", "rack-7");
    if (is(g, HOSTILE)) {
        put_text(g, "\xe6\x97\xa5", "value");
        put_text(g, "__index", "end");
    }
    json_end(&g->o);
}

static void put_geo(struct generator *g)
{
    if (!is_there(g))
        return;
    json_begin(&g->o, "geo", '{');
    put_text(g, "region", PICK(g, regions));
    if (happens(g, 80)) {
        json_double(&g->o, "latitude", (double)rng_below(&g->rng, 1800) / 10 - 90);
        json_double(&g->o, "longitude", (double)rng_below(&g->rng, 3600) / 10 - 180);
    }
    json_end(&g->o);
}

/* --- Rows ------------------------------------------------------------------------- */

static void put_slots(struct generator *g)
{
    unsigned slots = 1 + (unsigned)rng_below(&g->rng, 4);
    unsigned active = is(g, BUSY) ? slots : (unsigned)rng_below(&g->rng, slots + 1);

    if (is(g, HUGE_ONES) && happens(g, 30))
        slots = UINT32_MAX;
    json_uint(&g->o, "slots", slots);
    json_uint(&g->o, "active", happens(g, 50) && !is(g, BUSY) ? 0 : active);
    json_uint(&g->o, "queued", is(g, BUSY) ? 1 + rng_below(&g->rng, 8) : 0);
}

static void put_gpus(struct generator *g)
{
    uint64_t total_mb = 8192ULL << rng_below(&g->rng, 4);
    uint64_t gpus = is(g, NO_GPU) ? 0 : 1 + rng_below(&g->rng, 4);

    json_begin(&g->o, "gpu_ids", '[');
    for (uint64_t i = 0; i < gpus; i++)
        json_uint(&g->o, NULL, i);
    json_end(&g->o);
    json_uint(&g->o, "total_vram_mb", gpus > 0 ? total_mb : 0);
    json_uint(&g->o, "vram_mb", gpus > 0 ? rng_below(&g->rng, total_mb + 1) : 0);
    json_uint(&g->o, "gpu_util_pct", is(g, BUSY) ? 97 : 0);
}

static void put_worker(struct generator *g, unsigned i)
{
    json_begin(&g->o, NULL, '{');
    put_id(g, "id", "worker", i);
    put_id(g, "pool_id", "pool", i % g->shape.pools);
    json_str(&g->o, "status", is(g, FAILED) ? PICK(g, ill) : is(g, BUSY) ? "busy" : "ready");
    json_str(&g->o, "model_ref", a_model(g));
    put_slots(g);
    put_gpus(g);
    PUT_NUMBERS(g, worker_numbers);
    put_text(g, "backend", is(g, NO_GPU) ? "cpu" : PICK(g, backends));
    put_text(g, "capability", PICK(g, types));
    put_text(g, "group", "llm");
    put_text(g, "instance", "8080");
    json_bool(&g->o, "pinned", happens(g, 10));
    put_geo(g);
    put_labels(g);
    json_end(&g->o);
}

static void put_pool(struct generator *g, unsigned i)
{
    json_begin(&g->o, NULL, '{');
    put_id(g, "id", "pool", i);
    put_text(g, "hostname", "machine");
    put_text(g, "address", "192.0.2.1");
    json_str(&g->o, "status", is(g, OFFLINE) ? "offline" : happens(g, 80) ? "healthy" : "degraded");
    json_uint(&g->o, "heartbeat_age_ms", rng_below(&g->rng, 3000));
    json_begin(&g->o, "gpus", '[');
    for (unsigned gpu = 0; gpu < 2 && !is(g, NO_GPU); gpu++) {
        json_begin(&g->o, NULL, '{');
        json_uint(&g->o, "id", gpu);
        put_text(g, "name", "GPU");
        json_uint(&g->o, "vram_total_mb", 24576);
        json_uint(&g->o, "vram_allocated_mb", rng_below(&g->rng, 24577));
        json_end(&g->o);
    }
    json_end(&g->o);
    json_begin(&g->o, "cached_models", '[');
    if (is_there(g))
        json_str(&g->o, NULL, a_model(g));
    json_end(&g->o);
    put_geo(g);
    put_labels(g);
    json_end(&g->o);
}

static void put_deadline(struct generator *g)
{
    if (is(g, LATE))
        json_int(&g->o, "deadline_ms", -(int64_t)rng_below(&g->rng, 60000));
    else if (is_there(g))
        json_uint(&g->o, "deadline_ms", rng_below(&g->rng, 120000));
}

static void put_job(struct generator *g, unsigned i)
{
    json_begin(&g->o, NULL, '{');
    put_id(g, "id", "job", i);
    if (is_there(g))
        json_str(&g->o, "tenant_id", PICK(g, tenants));
    if (is_there(g))
        put_text(g, "session_id", "session-1");
    json_str(&g->o, "priority", happens(g, 50) ? "interactive" : "batch");
    put_text(g, "model_ref", a_model(g));
    put_text(g, "type", is(g, EMBEDDINGS) ? PICK(g, types) : types[0]);
    PUT_NUMBERS(g, job_numbers);
    put_deadline(g);
    if (is_there(g)) {
        json_begin(&g->o, "user", '{');
        put_geo(g);
        json_end(&g->o);
    }
    put_labels(g);
    json_end(&g->o);
}

static void put_model(struct generator *g, unsigned i)
{
    json_begin(&g->o, NULL, '{');
    json_str(&g->o, "ref", models[i]);
    PUT_NUMBERS(g, model_numbers);
    json_end(&g->o);
}

static void put_tenant(struct generator *g, unsigned i)
{
    json_begin(&g->o, NULL, '{');
    json_str(&g->o, "id", tenants[i]);
    PUT_NUMBERS(g, tenant_numbers);
    json_bool(&g->o, "over_quota", happens(g, 20));
    json_end(&g->o);
}

static void put_rows(struct generator *g, const char *name, unsigned len,
                     void (*put)(struct generator *g, unsigned i))
{
    json_begin(&g->o, name, '[');
    for (unsigned i = 0; i < len; i++)
        put(g, i);
    json_end(&g->o);
}

static void generate(struct region *r, const struct shape *shape, uint64_t seed, uint64_t now_ms)
{
    struct generator g = { .shape = *shape };
    AUTO(buf_deinit) struct buf json;
    struct err err;

    buf_init(&json, CONTEXT_BYTES_MAX);
    rng_seed(&g.rng, seed);
    json_out_init(&g.o, &json);
    json_begin(&g.o, NULL, '{');
    json_uint(&g.o, "now_ms", now_ms);
    put_rows(&g, "pools", shape->pools, put_pool);
    put_rows(&g, "workers", shape->workers, put_worker);
    put_rows(&g, "queue", shape->jobs, put_job);
    put_rows(&g, "models", is(&g, BARE) ? 0 : sizeof(models) / sizeof(models[0]), put_model);
    put_rows(&g, "tenants", is(&g, BARE) ? 0 : sizeof(tenants) / sizeof(tenants[0]), put_tenant);
    json_end(&g.o);
    int rc = context_read(r, buf_str(&json), now_ms, &err);
    assert(rc == 0); /* the same number always gives the same: tests have seen them all */
    (void)rc;
}

static const struct shape *shape_of(unsigned number)
{
    return &shapes[number % (sizeof(shapes) / sizeof(shapes[0]))];
}

void validation_generate(struct region *r, unsigned number, uint64_t now_ms)
{
    generate(r, shape_of(number), number, now_ms);
}

void validation_generated_name(unsigned number, char *ret, size_t size)
{
    (void)snprintf(ret, size, "the generated state '%s' (seed %u)", shape_of(number)->name, number);
}

void validation_generate_large(struct region *r, unsigned workers, unsigned jobs, uint64_t now_ms)
{
    const struct shape shape = { "large", workers, workers / 20 + 1, jobs, 0 };

    generate(r, &shape, GENERATED_CONTEXTS, now_ms);
}
