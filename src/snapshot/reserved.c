#include "snapshot/reserved.h"

#include "base/parse.h"

/* The value's place in the arena. */
static bool find(const struct snapshot *s, struct snap_text labels, const char *key,
                 struct snap_text *ret)
{
    struct str value;

    if (labels.len == 0 || !snapshot_label(s, labels, str_of(key), &value))
        return false;
    *ret = (struct snap_text){ (uint32_t)(value.p - s->arena), (uint32_t)value.len };
    return true;
}

static void fill_text(const struct snapshot *s, struct snap_text labels, const char *key,
                      struct snap_text *member)
{
    if (member->len == 0)
        (void)find(s, labels, key, member);
}

/* False when there is no such label, or it is no number. */
static bool fill_number(const struct snapshot *s, struct snap_text labels, const char *key,
                        double *member)
{
    struct snap_text value;

    return find(s, labels, key, &value) && parse_double_str(snapshot_text(s, value), member);
}

struct coordinate_labels {
    const char *latitude, *longitude;
};

static void fill_coordinates(const struct snapshot *s, struct snap_text labels,
                             const struct coordinate_labels *names, double *latitude,
                             double *longitude, uint32_t *given)
{
    if (!(*given & SNAP_HAS_LATITUDE) && fill_number(s, labels, names->latitude, latitude))
        *given |= SNAP_HAS_LATITUDE;
    if (!(*given & SNAP_HAS_LONGITUDE) && fill_number(s, labels, names->longitude, longitude))
        *given |= SNAP_HAS_LONGITUDE;
}

static const struct coordinate_labels place_labels = { "geo.latitude", "geo.longitude" };
static const struct coordinate_labels user_labels = { "user.geo.latitude", "user.geo.longitude" };

void reserved_worker(const struct snapshot *s, struct snap_worker *w, struct str *ret_capabilities)
{
    struct snap_text value = { 0, 0 };

    fill_text(s, w->labels, "backend", &w->backend);
    fill_text(s, w->labels, "capability", &w->capability);
    fill_text(s, w->labels, "geo.region", &w->region);
    fill_coordinates(s, w->labels, &place_labels, &w->latitude, &w->longitude, &w->given);
    if (w->cost_per_token == 0)
        (void)fill_number(s, w->labels, "cost_per_token", &w->cost_per_token);
    if (!w->is_pinned && find(s, w->labels, "pinned", &value))
        w->is_pinned = str_eq(snapshot_text(s, value), "true");
    value = (struct snap_text){ 0, 0 };
    if (w->capabilities.len == 0)
        (void)find(s, w->labels, "capabilities", &value);
    *ret_capabilities = snapshot_text(s, value);
}

void reserved_pool(const struct snapshot *s, struct snap_pool *pool)
{
    fill_text(s, pool->labels, "geo.region", &pool->region);
    fill_coordinates(s, pool->labels, &place_labels, &pool->latitude, &pool->longitude,
                     &pool->given);
}

void reserved_job(const struct snapshot *s, struct snap_job *job)
{
    fill_text(s, job->labels, "type", &job->type);
    fill_text(s, job->labels, "user.geo.region", &job->region);
    fill_coordinates(s, job->labels, &user_labels, &job->latitude, &job->longitude, &job->given);
}

void reserved_place(struct snap_worker *w, const struct snap_pool *pool)
{
    const uint32_t coordinates = SNAP_HAS_LATITUDE | SNAP_HAS_LONGITUDE;

    if (!pool)
        return;
    if (w->region.len == 0)
        w->region = pool->region;
    if (!(w->given & coordinates) && pool->given & coordinates) {
        w->latitude = pool->latitude;
        w->longitude = pool->longitude;
        w->given |= pool->given & coordinates;
    }
}
