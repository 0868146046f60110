#include "policy/knobs.h"

#include "base/parse.h"

#include <string.h>

/* clang-format off */
#define PERCENT  100
#define FACTOR   1e6
#define COUNT    1e6
#define YEAR_MS  (365.0 * 24 * 3600 * 1000)
#define CHOICES  "lmetric|power_of_two|least_loaded|warmest|cheapest|random"

const struct knob knobs[] = {
    { "choice",                   KNOB_WORD,   0,       CHOICES },
    { "choice_batch",             KNOB_WORD,   0,       "|" CHOICES },
    { "explore_pct",              KNOB_NUMBER, PERCENT, NULL },
    { "keep_seeded_on_one_build", KNOB_SWITCH, 0,       NULL },
    { "kv_full_pct",              KNOB_NUMBER, PERCENT, NULL },
    { "reserve_slots_pct",        KNOB_NUMBER, PERCENT, NULL },

    { "admit_within_ms",          KNOB_WHOLE,  YEAR_MS, NULL },
    { "admit_deadlines",          KNOB_SWITCH, 0,       NULL },
    { "enforce_quotas",           KNOB_SWITCH, 0,       NULL },
    { "shed_factor",              KNOB_NUMBER, FACTOR,  NULL },
    { "shed_power",               KNOB_NUMBER, FACTOR,  NULL },
    { "shed_saturation",          KNOB_NUMBER, FACTOR,  NULL },
    { "shed_queue_per_worker",    KNOB_NUMBER, COUNT,   NULL },

    { "start",                    KNOB_SWITCH, 0,       NULL },
    { "start_wait_factor",        KNOB_NUMBER, FACTOR,  NULL },
    { "scale_out_jobs_per_slot",  KNOB_NUMBER, COUNT,   NULL },
    { "workers_per_model_max",    KNOB_WHOLE,  COUNT,   NULL },
    { "starts_per_model",         KNOB_WHOLE,  COUNT,   NULL },
    { "start_again_ms",           KNOB_WHOLE,  YEAR_MS, NULL },
    { "load_mb_per_s",            KNOB_NUMBER, FACTOR,  NULL },
    { "load_init_ms",             KNOB_WHOLE,  YEAR_MS, NULL },
    { "fetch_ms",                 KNOB_WHOLE,  YEAR_MS, NULL },
    { "starts_per_look",          KNOB_WHOLE,  4,       NULL },
    { "think_again_ms",           KNOB_WHOLE,  YEAR_MS, NULL },
    { "remembered_max",           KNOB_WHOLE,  COUNT,   NULL },

    { "evict",                    KNOB_SWITCH, 0,       NULL },
    { "eviction",                 KNOB_WORD,   0,       "gdsf|lru|lfu|ttl" },
    { "evict_ttl_ms",             KNOB_WHOLE,  YEAR_MS, NULL },
    { "min_residency_ms",         KNOB_WHOLE,  YEAR_MS, NULL },
    { "overdue_ms",               KNOB_WHOLE,  YEAR_MS, NULL },
    { "residency_loads",          KNOB_NUMBER, FACTOR,  NULL },
    { "idle_ttl_ms",              KNOB_WHOLE,  YEAR_MS, NULL },
    { "evictions_max",            KNOB_WHOLE,  15,      NULL },
    { "pools_weighed_max",        KNOB_WHOLE,  COUNT,   NULL },
    { NULL, KNOB_SWITCH, 0, NULL },
};
/* clang-format on */

const struct knob *knob_find(struct str name)
{
    for (const struct knob *k = knobs; k->name; k++) {
        if (str_eq(name, k->name))
            return k;
    }
    return NULL;
}

/* A JSON string, "lru", among the words; none of them needs an escape. */
static bool is_word(const char *words, const char *json)
{
    size_t len = strlen(json);

    if (len < 2 || json[0] != '"')
        return false;
    for (;;) {
        size_t n = strcspn(words, "|");
        if (n == len - 2 && memcmp(words, json + 1, n) == 0)
            return true;
        if (words[n] == '\0')
            return false;
        words += n + 1;
    }
}

static bool is_number(const struct knob *k, const char *json)
{
    uint64_t whole;
    double number;

    if (k->type == KNOB_WHOLE && !parse_u64(json, &whole))
        return false;
    return parse_double_str(str_of(json), &number) && number >= 0 && number <= k->max;
}

int knob_check(const struct knob *k, const char *json, struct err *err)
{
    switch (k->type) {
    case KNOB_SWITCH:
        if (strcmp(json, "true") == 0 || strcmp(json, "false") == 0)
            return 0;
        return err_param(err, ERR_INVALID, k->name, "must be true or false, not %.64s", json);
    case KNOB_WORD:
        if (is_word(k->words, json))
            return 0;
        return err_param(err, ERR_INVALID, k->name, "must be %s, not %.64s", k->words, json);
    case KNOB_WHOLE:
    case KNOB_NUMBER:
        if (is_number(k, json))
            return 0;
        return err_param(err, ERR_INVALID, k->name, "must be a %snumber from 0 to %.0f, not %.64s",
                         k->type == KNOB_WHOLE ? "whole " : "", k->max, json);
    }
    return 0;
}
