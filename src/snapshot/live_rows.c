/* What the registry says changed, in the order in which rows can take it. */
#include "snapshot/live_private.h"

#include "base/mem.h"

bool row_set_add(struct row_set *set, uint32_t row)
{
    if (set->is_in[row])
        return false;
    set->is_in[row] = 1;
    set->rows[set->len++] = row;
    return true;
}

static void add_change(void *data, uint32_t slot, uint32_t generation, const void *ptr)
{
    struct changes *c = data;

    if (c->len == c->cap) {
        c->cap = c->cap ? c->cap * 2 : 64;
        c->items = mem_resize(c->items, c->cap * sizeof(*c->items));
    }
    c->items[c->len++] = (struct change){ slot, generation, ptr };
}

void live_collect_changes(struct live *l)
{
    for (enum registry_kind kind = REGISTRY_WORKERS; kind <= REGISTRY_MODELS; kind++) {
        l->changes[kind].len = 0;
        l->seen[kind] =
            registry_changes(live_registry(l), kind, l->seen[kind], add_change, &l->changes[kind]);
    }
}

struct str live_map_text(struct live *l, const struct labels *labels, size_t max)
{
    buf_clear(&l->scratch);
    for (size_t i = 0; i < labels->count; i++) {
        const char *key, *value;

        labels_at(labels, i, &key, &value);
        if (buf_len(&l->scratch) + strlen(key) + strlen(value) + 2 > max)
            break;
        (void)buf_add(&l->scratch, key, strlen(key) + 1);
        (void)buf_add(&l->scratch, value, strlen(value) + 1);
    }
    return buf_str(&l->scratch);
}

/* Who left, or left their slot to another. */
static void remove_gone(struct live *l)
{
    const struct changes *c = l->changes;

    for (size_t i = 0; i < c[REGISTRY_WORKERS].len; i++) {
        const struct change *it = &c[REGISTRY_WORKERS].items[i];
        const struct snap_worker *old = snapshot_worker(rows(l), it->slot);

        if (old && (!it->ptr || old->generation != it->generation))
            live_remove_worker(l, it->slot);
    }
    for (size_t i = 0; i < c[REGISTRY_HIVES].len; i++) {
        const struct change *it = &c[REGISTRY_HIVES].items[i];
        const struct snap_pool *old = snapshot_pool(rows(l), it->slot);

        if (old && (!it->ptr || old->generation != it->generation))
            live_remove_pool(l, it->slot);
    }
    for (size_t i = 0; i < c[REGISTRY_MODELS].len; i++) {
        const struct change *it = &c[REGISTRY_MODELS].items[i];
        const struct snap_model *old = snapshot_model(rows(l), it->slot);

        if (old && (!it->ptr || old->generation != it->generation))
            live_remove_model(l, it->slot);
    }
}

/* Backwards: in the order in which they changed, so that lists are in order of coming. */
static void put_changed(struct live *l)
{
    struct changes *c = l->changes;

    for (size_t i = c[REGISTRY_HIVES].len; i-- > 0;) {
        const struct change *it = &c[REGISTRY_HIVES].items[i];
        if (it->ptr && it->slot < SNAP_POOLS_MAX)
            live_put_pool(l, it->slot, it->ptr);
    }
    for (size_t i = c[REGISTRY_MODELS].len; i-- > 0;) {
        const struct change *it = &c[REGISTRY_MODELS].items[i];
        if (it->ptr && it->slot < SNAP_MODELS_MAX)
            live_put_model(l, it->slot, it->generation, it->ptr);
    }
    for (size_t i = c[REGISTRY_WORKERS].len; i-- > 0;) {
        const struct change *it = &c[REGISTRY_WORKERS].items[i];
        if (it->ptr && it->slot < SNAP_WORKERS_MAX)
            live_put_worker(l, it->slot, it->ptr);
    }
}

void live_sync_rows(struct live *l)
{
    l->pools_changed = false;
    remove_gone(l);
    put_changed(l);
    for (size_t i = 0; i < l->crowded.len; i++) {
        live_weigh_pool(l, l->crowded.rows[i]);
        l->crowded.is_in[l->crowded.rows[i]] = 0;
    }
    l->crowded.len = 0;
    if (l->pools_changed)
        live_renew_loads(l);
}
