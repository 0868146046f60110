#include "jobs/fairness.h"

#include "base/list.h"
#include "base/map.h"
#include "base/mem.h"
#include "jobs/job.h"
#include "jobs/order.h"

#include <assert.h>
#include <math.h>

enum { KEY_MAX = MODEL_REF_SIZE + TENANT_ID_SIZE };

/* What is kept of a tenant as long as it has a counter or a weight of its own. */
struct tenant {
    double weight, service;
    struct list counters; /* counter.in_tenant */
};

/* All counters of one model: they are compared with one another. */
struct pool {
    struct order busy;          /* counter.in_busy */
    const struct counter *last; /* that was busy or served last; NULL: forgotten */
    double floor;               /* what that was then */
    size_t counters;
};

struct counter {
    struct pool *pool;
    struct tenant *tenant;
    double value;
    double floor;    /* to which it was lifted last: a refund stops there */
    uint64_t number; /* of equal ones, the first that was made */
    bool is_busy;
    struct order_node in_busy;
    struct list in_idle, in_tenant;
    char tenant_id[TENANT_ID_SIZE];
    char model[MODEL_REF_SIZE];
};

struct fairness {
    struct fairness_options options;
    struct map tenants;  /* id -> struct tenant */
    struct map pools;    /* model -> struct pool */
    struct map counters; /* tenant NUL model NUL -> struct counter */
    struct list idle;    /* counter.in_idle, the one idle longest first */
    uint64_t numbers;
    fairness_moved_fn *moved; /* NULL: nobody listens */
    void *moved_data;
};

void fairness_options_init(struct fairness_options *o)
{
    *o = (struct fairness_options){ .input_weight = 1, .output_weight = 2, .counters_max = 20000 };
}

struct fairness *fairness_new(const struct fairness_options *options)
{
    struct fairness *f = mem_alloc(1, sizeof(*f));

    assert(options->input_weight >= 0 && options->output_weight >= 0);
    f->options = *options;
    map_init(&f->tenants);
    map_init(&f->pools);
    map_init(&f->counters);
    list_init(&f->idle);
    return f;
}

static void free_values(struct map *m)
{
    struct map_entry *it, *tmp;

    MAP_FOREACH(it, tmp, m)
        free(map_value(it));
    map_deinit(m);
}

void fairness_free(struct fairness *f)
{
    if (!f)
        return;
    free_values(&f->counters);
    free_values(&f->pools);
    free_values(&f->tenants);
    free(f);
}

void fairness_on_moved(struct fairness *f, fairness_moved_fn *moved, void *data)
{
    f->moved = moved;
    f->moved_data = data;
}

/* --- What is kept -------------------------------------------------------------- */

struct key {
    char text[KEY_MAX];
    size_t len;
};

static struct str make_key(struct key *key, const char *tenant_id, const char *model)
{
    size_t tenant_len = strlen(tenant_id) + 1, model_len = strlen(model) + 1;

    assert(tenant_len <= TENANT_ID_SIZE && model_len <= MODEL_REF_SIZE);
    memcpy(key->text, tenant_id, tenant_len);
    memcpy(key->text + tenant_len, model, model_len);
    return (struct str){ key->text, tenant_len + model_len };
}

static struct counter *find(const struct fairness *f, const char *tenant_id, const char *model)
{
    struct key key;

    return map_get(&f->counters, make_key(&key, tenant_id, model));
}

static struct tenant *tenant_for(struct fairness *f, const char *tenant_id)
{
    struct tenant *tenant = map_get(&f->tenants, str_of(tenant_id));

    if (tenant)
        return tenant;
    tenant = mem_alloc(1, sizeof(*tenant));
    tenant->weight = 1;
    list_init(&tenant->counters);
    (void)map_put(&f->tenants, str_of(tenant_id), tenant);
    return tenant;
}

static void drop_tenant_if_unused(struct fairness *f, struct tenant *tenant, const char *tenant_id)
{
    if (!list_is_empty(&tenant->counters) || tenant->weight != 1)
        return;
    (void)map_remove(&f->tenants, str_of(tenant_id));
    free(tenant);
}

static int compare_busy(const struct order_node *left, const struct order_node *right)
{
    const struct counter *a = ORDER_OWNER(left, struct counter, in_busy);
    const struct counter *b = ORDER_OWNER(right, struct counter, in_busy);

    if (a->value != b->value)
        return a->value < b->value ? -1 : 1;
    return (a->number > b->number) - (a->number < b->number);
}

static struct pool *pool_for(struct fairness *f, const char *model)
{
    struct pool *pool = map_get(&f->pools, str_of(model));

    if (pool)
        return pool;
    pool = mem_alloc(1, sizeof(*pool));
    order_init(&pool->busy, compare_busy);
    (void)map_put(&f->pools, str_of(model), pool);
    return pool;
}

static void forget(struct fairness *f, struct counter *counter)
{
    struct pool *pool = counter->pool;
    struct key key;

    if (pool->last == counter) {
        pool->floor = counter->value;
        pool->last = NULL;
    }
    if (--pool->counters == 0) {
        (void)map_remove(&f->pools, str_of(counter->model));
        free(pool);
    }
    list_remove(&counter->in_tenant);
    drop_tenant_if_unused(f, counter->tenant, counter->tenant_id);
    (void)map_remove(&f->counters, make_key(&key, counter->tenant_id, counter->model));
    list_remove(&counter->in_idle);
    free(counter);
}

static struct counter *counter_for(struct fairness *f, const char *tenant_id, const char *model)
{
    struct counter *counter = find(f, tenant_id, model);
    struct key key;

    if (counter)
        return counter;
    if (map_count(&f->counters) >= f->options.counters_max && !list_is_empty(&f->idle))
        forget(f, container_of(f->idle.next, struct counter, in_idle));
    counter = mem_alloc(1, sizeof(*counter));
    counter->number = f->numbers++;
    counter->pool = pool_for(f, model);
    counter->pool->counters++;
    counter->tenant = tenant_for(f, tenant_id);
    list_push_back(&counter->tenant->counters, &counter->in_tenant);
    (void)str_copy(counter->tenant_id, sizeof(counter->tenant_id), str_of(tenant_id));
    (void)str_copy(counter->model, sizeof(counter->model), str_of(model));
    list_push_back(&f->idle, &counter->in_idle);
    (void)map_put(&f->counters, make_key(&key, tenant_id, model), counter);
    return counter;
}

/* --- The counters --------------------------------------------------------------- */

/* What a tenant that becomes busy is lifted to. */
static double floor_of(const struct pool *pool)
{
    const struct order_node *first = order_first(&pool->busy);

    if (first)
        return ORDER_OWNER(first, struct counter, in_busy)->value;
    return pool->last ? pool->last->value : pool->floor;
}

static void lift(struct counter *counter)
{
    counter->floor = floor_of(counter->pool);
    counter->value = fmax(counter->value, counter->floor);
}

void fairness_activate(struct fairness *f, const char *tenant_id, const char *model)
{
    struct counter *counter = counter_for(f, tenant_id, model);

    if (counter->is_busy)
        return;
    lift(counter);
    counter->is_busy = true;
    list_remove(&counter->in_idle);
    order_add(&counter->pool->busy, &counter->in_busy, 0);
}

void fairness_deactivate(struct fairness *f, const char *tenant_id, const char *model)
{
    struct counter *counter = find(f, tenant_id, model);

    if (!counter || !counter->is_busy)
        return;
    order_remove(&counter->pool->busy, &counter->in_busy);
    counter->is_busy = false;
    counter->pool->last = counter;
    list_push_back(&f->idle, &counter->in_idle);
}

static void tell(const struct fairness *f, const struct counter *counter)
{
    if (f->moved)
        f->moved(f->moved_data, counter->tenant_id, counter->model);
}

static void add_to_busy(const struct fairness *f, struct counter *counter, double by)
{
    order_remove(&counter->pool->busy, &counter->in_busy);
    counter->value = fmax(counter->value + by, counter->floor);
    order_add(&counter->pool->busy, &counter->in_busy, 0);
    tell(f, counter);
}

/* A job that found room at once came and was served in one moment: its tenant is lifted as
 * if it had waited. Not so the one that was busy last, whose last job this probably is. */
static void add_to_idle(struct fairness *f, struct counter *counter, double by)
{
    if (by > 0 && counter->pool->last != counter) {
        lift(counter);
        counter->pool->last = counter;
    }
    counter->value = fmax(counter->value + by, counter->floor);
    list_remove(&counter->in_idle);
    list_push_back(&f->idle, &counter->in_idle);
}

void fairness_charge(struct fairness *f, const char *tenant_id, const char *model,
                     int64_t input_tokens, int64_t output_tokens)
{
    struct counter *counter = counter_for(f, tenant_id, model);
    double by = fairness_cost(f, input_tokens, output_tokens) / counter->tenant->weight;

    counter->tenant->service += by;
    if (counter->is_busy)
        add_to_busy(f, counter, by);
    else
        add_to_idle(f, counter, by);
}

double fairness_cost(const struct fairness *f, int64_t input_tokens, int64_t output_tokens)
{
    return f->options.input_weight * (double)input_tokens +
           f->options.output_weight * (double)output_tokens;
}

double fairness_counter(const struct fairness *f, const char *tenant_id, const char *model)
{
    const struct counter *counter = find(f, tenant_id, model);
    const struct pool *pool = counter ? counter->pool : map_get(&f->pools, str_of(model));

    if (counter && counter->is_busy)
        return counter->value;
    return fmax(counter ? counter->value : 0, pool ? floor_of(pool) : 0);
}

/* --- Tenants -------------------------------------------------------------------- */

void fairness_set_weight(struct fairness *f, const char *tenant_id, double weight)
{
    struct tenant *tenant = tenant_for(f, tenant_id);
    struct list *it, *tmp;

    assert(weight > 0 && isfinite(weight));
    tenant->weight = weight;
    LIST_FOREACH(it, tmp, &tenant->counters) {
        const struct counter *counter = container_of(it, struct counter, in_tenant);

        if (counter->is_busy)
            tell(f, counter);
    }
    drop_tenant_if_unused(f, tenant, tenant_id);
}

double fairness_weight(const struct fairness *f, const char *tenant_id)
{
    const struct tenant *tenant = map_get(&f->tenants, str_of(tenant_id));

    return tenant ? tenant->weight : 1;
}

double fairness_service(const struct fairness *f, const char *tenant_id)
{
    const struct tenant *tenant = map_get(&f->tenants, str_of(tenant_id));

    return tenant ? tenant->service : 0;
}
