#include "supervisor/sampler.h"

#include "base/clock.h"
#include "base/mem.h"
#include "loop/loop.h"
#include "supervisor/procfs.h"

#include <string.h>

struct watched {
    struct sampler_target target;
    struct proc_group group; /* without a cgroup */
    struct usage before, now;
    uint64_t before_us, now_us; /* 0: never */
};

struct sampler {
    struct loop *loop;
    const char *proc_root;
    sampler_fn *on_rates;
    void *data;
    struct watched *watched; /* the pool's thread's while is_reading */
    size_t watched_len;
    bool is_reading, is_freed;
};

struct sampler *sampler_new(struct loop *loop, const char *proc_root, sampler_fn *on_rates,
                            void *data)
{
    struct sampler *s = mem_alloc(1, sizeof(*s));

    *s = (struct sampler){
        .loop = loop, .proc_root = proc_root, .on_rates = on_rates, .data = data
    };
    return s;
}

static void destroy(struct sampler *s)
{
    for (size_t i = 0; i < s->watched_len; i++)
        proc_group_deinit(&s->watched[i].group);
    free(s->watched);
    free(s);
}

void sampler_free(struct sampler *s)
{
    if (!s)
        return;
    if (s->is_reading)
        s->is_freed = true; /* done() follows */
    else
        destroy(s);
}

/* --- On the pool's thread ------------------------------------------------------ */

static void read_cgroups(struct sampler *s)
{
    struct err ignored; /* a group that has gone is about to be forgotten */

    for (size_t i = 0; i < s->watched_len; i++) {
        struct watched *w = &s->watched[i];
        if (w->target.cgroup[0] && cgroup_read_usage(w->target.cgroup, &w->now, &ignored) == 0)
            w->now_us = clock_mono_us();
    }
}

static void read_groups(struct sampler *s)
{
    struct proc_group **groups = mem_alloc(s->watched_len, sizeof(struct proc_group *));
    size_t len = 0;

    for (size_t i = 0; i < s->watched_len; i++)
        if (!s->watched[i].target.cgroup[0])
            groups[len++] = &s->watched[i].group;
    proc_groups_sample(s->proc_root, groups, len);
    free(groups);
    for (size_t i = 0; i < s->watched_len; i++) {
        struct watched *w = &s->watched[i];
        if (w->target.cgroup[0])
            continue;
        w->now = w->group.total;
        w->now_us = clock_mono_us();
    }
}

static void work(void *data)
{
    struct sampler *s = data;

    read_cgroups(s);
    read_groups(s);
}

/* --- On the loop ------------------------------------------------------------------ */

static void done(void *data)
{
    struct sampler *s = data;

    s->is_reading = false;
    for (size_t i = 0; i < s->watched_len && !s->is_freed; i++) {
        struct watched *w = &s->watched[i];
        if (w->before_us > 0 && w->now_us > w->before_us) {
            struct usage_rates rates =
                usage_rates_between(&w->before, &w->now, w->now_us - w->before_us);
            s->on_rates(s->data, w->target.pgid, &rates);
        }
        w->before = w->now;
        w->before_us = w->now_us;
    }
    if (s->is_freed)
        destroy(s);
}

static struct watched *find(struct watched *list, size_t len, pid_t pgid)
{
    for (size_t i = 0; i < len; i++)
        if (list[i].target.pgid == pgid)
            return &list[i];
    return NULL;
}

/* What is watched already keeps its counters. */
static void retarget(struct sampler *s, const struct sampler_target *targets, size_t len)
{
    struct watched *next = mem_alloc(len, sizeof(*next));

    for (size_t i = 0; i < len; i++) {
        struct watched *old = find(s->watched, s->watched_len, targets[i].pgid);
        if (old) {
            next[i] = *old;
            old->group.members = NULL; /* moved */
        } else {
            next[i].target = targets[i];
            proc_group_init(&next[i].group, targets[i].pgid);
        }
    }
    for (size_t i = 0; i < s->watched_len; i++)
        proc_group_deinit(&s->watched[i].group);
    free(s->watched);
    s->watched = next;
    s->watched_len = len;
}

void sampler_look(struct sampler *s, const struct sampler_target *targets, size_t targets_len)
{
    if (s->is_reading)
        return;
    retarget(s, targets, targets_len);
    if (targets_len == 0)
        return;
    s->is_reading = true;
    loop_offload(s->loop, work, done, s);
}
