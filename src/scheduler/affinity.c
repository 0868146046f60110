#include "scheduler/affinity.h"

#include "base/hash.h"
#include "base/mem.h"

#include <assert.h>

enum {
    BLOCKS_MIN = 1024,
    BYTES_PER_TOKEN = 4, /* as job_spec.prompt_tokens is estimated */
};

#define NONE UINT32_MAX

struct seen_by {
    uint32_t slot, generation;
};

/* Blocks name one another by their places, so that they can move when they become more. */
struct block {
    uint64_t hash; /* with the model's: one model's cache is of no use to another */
    uint32_t next; /* in its bucket */
    uint32_t newer, older;
    uint32_t workers_len;
    struct seen_by workers[AFFINITY_WORKERS_MAX]; /* the last one first */
};

struct affinity {
    struct block *blocks;
    uint32_t *buckets; /* as many as blocks_cap, a power of two */
    size_t blocks_len, blocks_cap, blocks_max;
    uint32_t newest, oldest; /* used */
};

struct affinity *affinity_new(size_t blocks_max)
{
    struct affinity *a = mem_alloc(1, sizeof(*a));

    assert(blocks_max < NONE);
    a->blocks_max = blocks_max;
    a->newest = a->oldest = NONE;
    return a;
}

void affinity_free(struct affinity *a)
{
    if (!a)
        return;
    free(a->blocks);
    free(a->buckets);
    free(a);
}

size_t affinity_blocks(const struct affinity *a)
{
    return a->blocks_len;
}

/* --- Buckets ---------------------------------------------------------------------------- */

/* Clients choose prompts, and so what is hashed; hash_bytes() keeps them from choosing the
 * bucket. */
static uint32_t *bucket_of(const struct affinity *a, uint64_t hash)
{
    return &a->buckets[hash_bytes(&hash, sizeof(hash)) & (a->blocks_cap - 1)];
}

static uint32_t find(const struct affinity *a, uint64_t hash)
{
    if (a->blocks_cap == 0)
        return NONE;

    uint32_t at = *bucket_of(a, hash);
    while (at != NONE && a->blocks[at].hash != hash)
        at = a->blocks[at].next;
    return at;
}

static void put(struct affinity *a, uint32_t at)
{
    uint32_t *bucket = bucket_of(a, a->blocks[at].hash);

    a->blocks[at].next = *bucket;
    *bucket = at;
}

static void take_out(struct affinity *a, uint32_t at)
{
    uint32_t *link = bucket_of(a, a->blocks[at].hash);

    while (*link != at)
        link = &a->blocks[*link].next;
    *link = a->blocks[at].next;
}

static void grow(struct affinity *a)
{
    a->blocks_cap = a->blocks_cap ? a->blocks_cap * 2 : BLOCKS_MIN;
    a->blocks = mem_resize(a->blocks, a->blocks_cap * sizeof(*a->blocks));
    a->buckets = mem_resize(a->buckets, a->blocks_cap * sizeof(*a->buckets));
    memset(a->buckets, 0xff, a->blocks_cap * sizeof(*a->buckets)); /* NONE */
    for (size_t i = 0; i < a->blocks_len; i++)
        put(a, (uint32_t)i);
}

/* --- Use --------------------------------------------------------------------------------- */

static void unlink_block(struct affinity *a, uint32_t at)
{
    const struct block *block = &a->blocks[at];

    *(block->newer == NONE ? &a->newest : &a->blocks[block->newer].older) = block->older;
    *(block->older == NONE ? &a->oldest : &a->blocks[block->older].newer) = block->newer;
}

static void link_newest(struct affinity *a, uint32_t at)
{
    a->blocks[at].newer = NONE;
    a->blocks[at].older = a->newest;
    *(a->newest == NONE ? &a->oldest : &a->blocks[a->newest].newer) = at;
    a->newest = at;
}

/* A free one, or the one that is unused longest. */
static uint32_t new_block(struct affinity *a, uint64_t hash)
{
    uint32_t at = a->oldest;

    if (a->blocks_len < a->blocks_max) {
        if (a->blocks_len == a->blocks_cap)
            grow(a);
        at = (uint32_t)a->blocks_len++;
    } else {
        take_out(a, at);
        unlink_block(a, at);
    }
    a->blocks[at] = (struct block){ .hash = hash };
    put(a, at);
    link_newest(a, at);
    return at;
}

static uint64_t hash_of_model(const struct job_spec *spec)
{
    return hash_bytes(spec->model, strlen(spec->model));
}

static bool is_same(struct seen_by a, struct seen_by b)
{
    return a.slot == b.slot && a.generation == b.generation;
}

/* To the front; whoever had that slot before, or was there longest ago, makes room. */
static void note_worker(struct block *block, struct seen_by worker)
{
    uint32_t at = 0;

    while (at < block->workers_len && block->workers[at].slot != worker.slot)
        at++;
    if (at == block->workers_len && block->workers_len < AFFINITY_WORKERS_MAX)
        block->workers_len++;
    if (at == AFFINITY_WORKERS_MAX)
        at--;
    memmove(block->workers + 1, block->workers, at * sizeof(worker));
    block->workers[0] = worker;
}

/* From the end, so that a prompt's beginning, without which the rest is worth nothing, is
 * forgotten last. */
void affinity_note(struct affinity *a, const struct job_spec *spec, const struct worker *worker)
{
    uint64_t model = hash_of_model(spec);

    if (a->blocks_max == 0)
        return;
    for (size_t i = spec->prefix_len; i-- > 0;) {
        uint32_t at = find(a, spec->prefix_hashes[i] + model);

        if (at == NONE) {
            at = new_block(a, spec->prefix_hashes[i] + model);
        } else {
            unlink_block(a, at);
            link_newest(a, at);
        }
        note_worker(&a->blocks[at], (struct seen_by){ worker->slot, worker->generation });
    }
}

static bool has(const struct affinity_match *matches, size_t len, struct seen_by worker)
{
    for (size_t i = 0; i < len; i++) {
        if (is_same((struct seen_by){ matches[i].slot, matches[i].generation }, worker))
            return true;
    }
    return false;
}

static uint32_t tokens_of(const struct job_spec *spec, size_t blocks)
{
    size_t tokens = blocks * PREFIX_BLOCK_BYTES / BYTES_PER_TOKEN;

    return tokens < spec->prompt_tokens ? (uint32_t)tokens : spec->prompt_tokens;
}

/* From the end: a block's hash covers all before it, so whoever saw it saw the beginning,
 * even if the beginning remembers only others since. */
size_t affinity_find(const struct affinity *a, const struct job_spec *spec,
                     struct affinity_match *ret, size_t max)
{
    uint64_t model = hash_of_model(spec);
    size_t len = 0;

    for (size_t i = spec->prefix_len; i-- > 0 && len < max;) {
        uint32_t at = find(a, spec->prefix_hashes[i] + model);
        const struct block *block = at == NONE ? NULL : &a->blocks[at];

        for (uint32_t w = 0; block && w < block->workers_len && len < max; w++) {
            if (!has(ret, len, block->workers[w]))
                ret[len++] = (struct affinity_match){ .slot = block->workers[w].slot,
                                                      .generation = block->workers[w].generation,
                                                      .tokens = tokens_of(spec, i + 1) };
        }
    }
    return len;
}
