#include "base/map.h"

#include "base/hash.h"
#include "base/mem.h"

#include <assert.h>

/* uthash keeps insertion order by itself (its application order list). */
#define HASH_FUNCTION(key, len, hash) ((hash) = (unsigned)hash_bytes((key), (len)))
#define uthash_fatal(message)         abort()
#include <uthash.h>

/* NOLINTBEGIN(readability-function-size): uthash's macros are long. */

struct map_entry {
    UT_hash_handle hh;
    void *value; /* borrowed */
    size_t key_len;
    char key[];
};

void map_init(struct map *m)
{
    m->entries = NULL;
}

static void remove_entry(struct map *m, struct map_entry *entry)
{
    HASH_DELETE(hh, m->entries, entry);
    free(entry);
}

void map_deinit(struct map *m)
{
    struct map_entry *entry, *next;

    MAP_FOREACH(entry, next, m)
        remove_entry(m, entry);
}

size_t map_count(const struct map *m)
{
    return HASH_CNT(hh, m->entries);
}

static unsigned hash_of(struct str key)
{
    unsigned hash;

    HASH_VALUE(key.len ? key.p : "", key.len, hash);
    return hash;
}

static struct map_entry *find(const struct map *m, struct str key, unsigned hash)
{
    struct map_entry *entry;

    HASH_FIND_BYHASHVALUE(hh, m->entries, key.len ? key.p : "", key.len, hash, entry);
    return entry;
}

void *map_get(const struct map *m, struct str key)
{
    struct map_entry *entry = find(m, key, hash_of(key));

    return entry ? entry->value : NULL;
}

void *map_put(struct map *m, struct str key, void *value)
{
    unsigned hash = hash_of(key);
    struct map_entry *entry = find(m, key, hash);

    assert(value);
    if (entry) {
        void *before = entry->value;
        entry->value = value;
        return before;
    }
    entry = mem_alloc(1, sizeof(*entry) + key.len + 1);
    entry->value = value;
    entry->key_len = key.len;
    if (key.len > 0)
        memcpy(entry->key, key.p, key.len);
    HASH_ADD_KEYPTR_BYHASHVALUE(hh, m->entries, entry->key, key.len, hash, entry);
    return NULL;
}

void *map_remove(struct map *m, struct str key)
{
    struct map_entry *entry = find(m, key, hash_of(key));

    if (!entry)
        return NULL;
    void *value = entry->value;
    remove_entry(m, entry);
    return value;
}

/* NOLINTEND(readability-function-size) */

struct map_entry *map_first(const struct map *m)
{
    return m->entries;
}

struct map_entry *map_next(const struct map_entry *entry)
{
    return entry->hh.next;
}

struct str map_key(const struct map_entry *entry)
{
    return (struct str){ entry->key, entry->key_len };
}

void *map_value(const struct map_entry *entry)
{
    return entry->value;
}
