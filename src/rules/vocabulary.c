#include "rules/vocabulary.h"

#include <stdio.h>

/* clang-format off */
const struct rule_word rule_subjects[] = {
    { "job",     RULE_JOB     },
    { "worker",  RULE_WORKER  },
    { "pool",    RULE_POOL    },
    { "tenant",  RULE_TENANT  },
    { "metrics", RULE_METRICS },
    { "time",    RULE_TIME    },
    { 0 },
};

const struct rule_word rule_operators[] = {
    { "exists",   RULE_EXISTS   },
    { "eq",       RULE_EQ       },
    { "ne",       RULE_NE       },
    { "lt",       RULE_LT       },
    { "le",       RULE_LE       },
    { "gt",       RULE_GT       },
    { "ge",       RULE_GE       },
    { "in",       RULE_IN       },
    { "contains", RULE_CONTAINS },
    { "matches",  RULE_MATCHES  },
    { 0 },
};

const struct rule_word rule_modes[] = {
    { "enforce", RULE_ENFORCE },
    { "shadow",  RULE_SHADOW  },
    { "off",     RULE_OFF     },
    { 0 },
};

const struct rule_word rule_evict_kinds[] = { { "lru", 0 }, { "lfu", 0 }, { "gdsf", 0 }, { 0 } };

const struct rule_word rule_weekdays[] = {
    { "sun", 0 }, { "mon", 1 }, { "tue", 2 }, { "wed", 3 }, { "thu", 4 }, { "fri", 5 },
    { "sat", 6 }, { "sunday", 0 }, { "monday", 1 }, { "tuesday", 2 }, { "wednesday", 3 },
    { "thursday", 4 }, { "friday", 5 }, { "saturday", 6 },
    { 0 },
};

const struct rule_method rule_methods[] = {
    { "idle",            RULE_GIVES_SET,    RULE_ARGS_NONE      },
    { "ready",           RULE_GIVES_SET,    RULE_ARGS_NONE      },
    { "online",          RULE_GIVES_SET,    RULE_ARGS_NONE      },
    { "with_model",      RULE_GIVES_SET,    RULE_ARGS_TEXT      },
    { "with_capacity",   RULE_GIVES_SET,    RULE_ARGS_NUMBER    },
    { "in_region",       RULE_GIVES_SET,    RULE_ARGS_TEXT      },
    { "with_label",      RULE_GIVES_SET,    RULE_ARGS_TWO_TEXTS },
    { "with_capability", RULE_GIVES_SET,    RULE_ARGS_TEXT      },
    { "filter",          RULE_GIVES_SET,    RULE_ARGS_FILTER    },
    { "sort_by",         RULE_GIVES_SET,    RULE_ARGS_FIELD     },
    { "take",            RULE_GIVES_SET,    RULE_ARGS_NUMBER    },
    { "least_loaded",    RULE_GIVES_WORKER, RULE_ARGS_NONE      },
    { "most_vram_free",  RULE_GIVES_WORKER, RULE_ARGS_NONE      },
    { "round_robin",     RULE_GIVES_WORKER, RULE_ARGS_NONE      },
    { "random",          RULE_GIVES_WORKER, RULE_ARGS_NONE      },
    { "power_of_two",    RULE_GIVES_WORKER, RULE_ARGS_NONE      },
    { "warmest",         RULE_GIVES_WORKER, RULE_ARGS_JOB       },
    { "lmetric",         RULE_GIVES_WORKER, RULE_ARGS_JOB       },
    { "min_by",          RULE_GIVES_WORKER, RULE_ARGS_FIELD     },
    { "max_by",          RULE_GIVES_WORKER, RULE_ARGS_FIELD     },
    { "first",           RULE_GIVES_WORKER, RULE_ARGS_NONE      },
    { "last",            RULE_GIVES_WORKER, RULE_ARGS_NONE      },
    { "map",             RULE_GIVES_OTHER,  RULE_ARGS_NONE      },
    { "any",             RULE_GIVES_OTHER,  RULE_ARGS_NONE      },
    { "all",             RULE_GIVES_OTHER,  RULE_ARGS_NONE      },
    { "sum",             RULE_GIVES_OTHER,  RULE_ARGS_NONE      },
    { "is_empty",        RULE_GIVES_OTHER,  RULE_ARGS_NONE      },
    { "len",             RULE_GIVES_OTHER,  RULE_ARGS_NONE      },
    { 0 },
};

const struct rule_selection rule_selections[] = {
    { "least-loaded",   "least_loaded",   NULL             },
    { "most-vram-free", "most_vram_free", NULL             },
    { "round-robin",    "round_robin",    NULL             },
    { "random",         "random",         NULL             },
    { "power-of-two",   "power_of_two",   NULL             },
    { "lmetric",        "lmetric",        NULL             },
    { "warmest",        "warmest",        NULL             },
    { "cheapest",       "min_by",         "cost_per_token" },
    { "fastest",        "min_by",         "estimated_time" },
    { "first",          "first",          NULL             },
    { 0 },
};

static const char *const job_fields[] = {
    "id", "tenant_id", "session_id", "priority", "model_ref", "model", "type", "prompt_tokens",
    "prompt_hash", "max_tokens", "seed", "temperature", "created_at_ms", "wait_ms", "deadline_ms",
    "deadline", "retry_count", "slo_ttft_ms", "labels.*", "user.geo.latitude",
    "user.geo.longitude", "user.geo.region", "predicted_tokens", "session_worker_id",
    "pinned_worker_id", "pinned_pool_id", NULL,
};

static const char *const worker_fields[] = {
    "id", "pool_id", "hive_id", "status", "model_ref", "model", "slots", "active", "queued",
    "in_flight_tokens", "queued_prefill_tokens", "gpu_ids", "gpus", "vram_mb", "total_vram_mb",
    "vram_free_mb", "vram_free", "cpu_pct", "rss_mb", "gpu_util_pct", "kv_used_pct",
    "tokens_per_s", "uptime_s", "residency_ms", "last_used_ms", "load_time_ms", "estimated_time",
    "cost_per_token", "backend", "capability", "capabilities", "group", "instance", "pid",
    "geo.region", "geo.latitude", "geo.longitude", "labels.*", "pinned", "room", "in_flight", "foreign",
    "static", "uses", "build", NULL,
};

static const char *const pool_fields[] = {
    "id", "hostname", "address", "status", "heartbeat_age_ms", "cached_models", "labels.*",
    "geo.region", "geo.latitude", "geo.longitude", "vram_free_mb", "reserved_mb", "ram_free_mb", NULL,
};

static const char *const tenant_fields[] = {
    "id", "weight", "quota_vram", "quota_used", "quota_tokens_daily", "tokens_used_today",
    "max_concurrent", "concurrent", "over_quota", "service", NULL,
};

static const char *const metrics_fields[] = {
    "queue_depth", "queue_depth_interactive", "queue_depth_batch", "total_workers",
    "ready_workers", "busy_workers", "total_pools", "healthy_pools", "free_vram_mb",
    "avg_wait_ms", "avg_tokens_per_s", "saturation", NULL,
};

static const char *const time_fields[] = { "hour", "minute", "weekday", NULL };

const char *const *const rule_fields[RULE_SUBJECT_COUNT_] = {
    [RULE_JOB] = job_fields,       [RULE_WORKER] = worker_fields,
    [RULE_POOL] = pool_fields,     [RULE_TENANT] = tenant_fields,
    [RULE_METRICS] = metrics_fields, [RULE_TIME] = time_fields,
};

static const char *const priorities[] = { "interactive", "batch", NULL };
static const char *const worker_states[] = { "ready", "busy", "starting", "draining", "failed",
                                             NULL };
static const char *const pool_states[] = { "healthy", "degraded", "offline", NULL };

static const struct {
    enum rule_subject subject;
    const char *path;
    const char *const *values;
} closed_fields[] = {
    { RULE_JOB,    "priority", priorities    },
    { RULE_WORKER, "status",   worker_states },
    { RULE_POOL,   "status",   pool_states   },
};
/* clang-format on */

const char *const *rule_field_values(enum rule_subject subject, struct str path)
{
    for (size_t i = 0; i < sizeof(closed_fields) / sizeof(closed_fields[0]); i++) {
        if (closed_fields[i].subject == subject && str_eq(path, closed_fields[i].path))
            return closed_fields[i].values;
    }
    return NULL;
}

const struct rule_word *rule_word_find(const struct rule_word *table, struct str name)
{
    for (; table->name; table++) {
        if (str_eq(name, table->name))
            return table;
    }
    return NULL;
}

const struct rule_method *rule_method_find(struct str name)
{
    for (const struct rule_method *m = rule_methods; m->name; m++) {
        if (str_eq(name, m->name))
            return m;
    }
    return NULL;
}

static bool is_same_but_for_hyphens(struct str name, const char *with_hyphens)
{
    if (name.len != strlen(with_hyphens))
        return false;
    for (size_t i = 0; i < name.len; i++) {
        if (name.p[i] != with_hyphens[i] && !(name.p[i] == '_' && with_hyphens[i] == '-'))
            return false;
    }
    return true;
}

const struct rule_selection *rule_selection_find(struct str name)
{
    for (const struct rule_selection *s = rule_selections; s->name; s++) {
        if (is_same_but_for_hyphens(name, s->name))
            return s;
    }
    return NULL;
}

bool rule_field_is_known(enum rule_subject subject, struct str path)
{
    for (const char *const *field = rule_fields[subject]; *field; field++) {
        size_t len = strlen(*field);

        if (str_eq(path, *field))
            return true;
        if ((*field)[len - 1] == '*' && path.len >= len && memcmp(path.p, *field, len - 1) == 0)
            return true;
    }
    return false;
}

void rule_hint_init(struct rule_hint *hint, struct str word)
{
    *hint = (struct rule_hint){ .word = word, .distance = 1 + (word.len > 4) + (word.len > 8) + 1 };
}

static size_t min_of(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Steps from one word to the other: a character more, less, other, or two exchanged
 * (Levenshtein's distance with Damerau's exchange, restricted). */
static size_t distance(struct str a, struct str b)
{
    size_t rows[3][64], *before = rows[0], *last = rows[1], *row = rows[2];

    for (size_t j = 0; j <= b.len; j++)
        last[j] = j;
    for (size_t i = 1; i <= a.len; i++) {
        row[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            row[j] =
                min_of(min_of(last[j], row[j - 1]) + 1, last[j - 1] + (a.p[i - 1] != b.p[j - 1]));
            if (i > 1 && j > 1 && a.p[i - 1] == b.p[j - 2] && a.p[i - 2] == b.p[j - 1])
                row[j] = min_of(row[j], before[j - 2] + 1);
        }
        size_t *oldest = before;
        before = last;
        last = row;
        row = oldest;
    }
    return last[b.len];
}

void rule_hint_offer(struct rule_hint *hint, const char *candidate)
{
    struct str other = str_of(candidate);

    if (hint->word.len == 0 || hint->word.len >= sizeof(hint->best) ||
        other.len >= sizeof(hint->best))
        return;
    size_t steps = distance(hint->word, other);
    if (steps < hint->distance && steps < hint->word.len) {
        hint->distance = steps;
        (void)str_copy(hint->best, sizeof(hint->best), other);
    }
}

void rule_hint_offer_rows(struct rule_hint *hint, const void *table, size_t row_size)
{
    const char *name;

    for (const char *row = table; (name = *(const char *const *)(const void *)row) != NULL;
         row += row_size)
        rule_hint_offer(hint, name);
}

void rule_hint_offer_fields(struct rule_hint *hint, enum rule_subject subject, const char *prefix)
{
    for (const char *const *field = rule_fields[subject]; *field; field++) {
        char path[64];

        (void)snprintf(path, sizeof(path), "%s%s", prefix, *field);
        rule_hint_offer(hint, path);
    }
}

const char *rule_hint_text(struct rule_hint *hint)
{
    if (hint->best[0] != '\0')
        (void)snprintf(hint->text, sizeof(hint->text), "; did you mean '%s'?", hint->best);
    return hint->text;
}
