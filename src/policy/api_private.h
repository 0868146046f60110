/*
 * api_private - how the objects of the API are made: proxies of rows, lists of rows, read-only
 * views of Lua tables; arguments and what goes wrong with them. For the files api*.c alone.
 *
 * Every userdata of a policy's state is one of these three and begins with its kind. They hold
 * numbers, never pointers into the snapshot: each access looks its row up again and compares
 * the generation. Memory comes from Lua alone, so that an error may leave at any point.
 */
#pragma once

#include "policy/state.h"

#include <lauxlib.h>
#include <lua.h>

/* Kinds beyond enum api_object. */
enum {
    API_VIEW = API_OBJECT_COUNT_, /* a read-only look at a Lua table */
    API_LABELS,
    API_CONFIG,
    API_KIND_COUNT_,
};

enum {
    API_TEXT_BYTES_MAX = 65536, /* what the text functions look at */
    API_PIECES_MAX = 4096,      /* what split() makes */
    API_MODEL_REFS_MAX = 4096,  /* references whose row is remembered */
};

struct api_proxy {
    uint32_t kind;
    uint32_t row;
    uint32_t generation;
};

/* A list of rows. A full one (`context.workers`) holds none: it is whatever is there. */
struct api_set {
    uint32_t kind; /* API_SET, API_QUEUE or API_REGISTRY: which methods it has */
    uint32_t of;   /* what its rows are */
    bool is_full;
    uint64_t call; /* number of the call it was made in: rows may be others' afterwards */
    uint32_t len;
    uint32_t rows[];
};

struct api_rows {
    const uint32_t *at;
    uint32_t len;
};

/* Round robin's memory of one row. */
struct api_pick {
    uint32_t generation;
    uint64_t number; /* of the pick; 0: never */
};

/* What a state keeps between and during calls. Lives in Lua's memory. */
struct api_state {
    uint64_t call;                    /* number of the running one */
    int metatables[API_KIND_COUNT_];  /* registry references, as all ints here */
    int proxies[API_OBJECT_COUNT_];   /* row + 1 -> proxy */
    int singles[API_OBJECT_COUNT_];   /* the one object of its kind */
    int full_sets[API_OBJECT_COUNT_]; /* by what they are of */
    int extras;                       /* owner -> table; of this call */
    int model_rows;                   /* reference -> row + 1 */
    uint32_t model_rows_len;
    bool has_extras;
    struct {
        uint64_t call; /* for which they were listed */
        uint32_t *rows, len;
    } all[API_OBJECT_COUNT_];
    uint32_t *scratch; /* SNAP_WORKERS_MAX rows: api_scratch() */
    struct api_pick *picks;
    uint64_t picks_total;
    unsigned choices;      /* nested ones that give scores */
    uint64_t rows_visited; /* by lists; tests of cost look at it */
};

/* --- Objects ----------------------------------------------------------------- */

/* A row within another's: of a user, a place, labels. */
static inline uint32_t api_within(enum api_object owner, uint32_t row)
{
    return (uint32_t)owner << 24 | row;
}
static inline uint32_t api_owner(uint32_t within)
{
    return within >> 24;
}
static inline uint32_t api_owner_row(uint32_t within)
{
    return within & 0xffffffU;
}

static inline bool api_same_text(struct str a, struct str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

/* The row's memory and generation; NULL for an empty or wrong one. */
const void *api_row(const struct policy *p, uint32_t kind, uint32_t row, uint32_t *ret_generation);
const struct snap_gpu *api_gpu(const struct policy *p, uint32_t row);

/* Rows that are tables of their own have one proxy each, so that the same worker is the same
 * value; what stands within them comes fresh. */
bool api_is_kept(uint32_t kind);
void api_push_row(lua_State *L, struct policy *p, uint32_t kind, uint32_t row);
void api_push_new(lua_State *L, struct policy *p, uint32_t kind, uint32_t row, uint32_t generation);
void api_push_single(lua_State *L, struct policy *p, enum api_object object);
void api_push_text(lua_State *L, const struct policy *p, struct snap_text text);
void api_push_u64(lua_State *L, uint64_t value);
void api_push_list(lua_State *L, const struct policy *p, struct snap_text list); /* a view */
void api_push_fact(lua_State *L, struct policy *p, const struct api_member *m, uint32_t kind,
                   uint32_t row);
void api_push_fact_at(lua_State *L, struct policy *p, const struct api_member *m, uint32_t kind,
                      uint32_t row, const void *base); /* what api_row() gives, not NULL */

/* A field of a row by its name at the stack's top, which it replaces; extras first. */
void api_push_field(lua_State *L, struct policy *p, uint32_t kind, uint32_t row);

/* The table at the top becomes a read-only view of it. */
void api_make_view(lua_State *L);
/* Push the table behind the view at `index`; false, and nothing, if it is none. */
bool api_push_viewed(lua_State *L, int index);
void api_push_json(lua_State *L, struct str text); /* nil where it is none */

/* May this row, which api_row() gave, have extras? Rows of live snapshots have none, and are
 * read often. */
bool api_may_have_extras(uint32_t kind, const void *base);
/* A member of the row's extras by the name at the top: true, and the value in its place, or
 * false. Objects that merge with derived ones (user, geo) count as absent. */
bool api_find_extra(lua_State *L, struct policy *p, uint32_t kind, uint32_t row);
/* A table of all of the row's extras, or false and nothing. */
bool api_push_extras(lua_State *L, struct policy *p, uint32_t kind, uint32_t row);

/* --- Lists --------------------------------------------------------------------- */

void api_push_full_set(lua_State *L, struct policy *p, enum api_object of);
void api_push_set(lua_State *L, struct policy *p, enum api_object of, const uint32_t *rows,
                  uint32_t len);
struct api_set *api_new_set(lua_State *L, struct policy *p, enum api_object of, uint32_t len_max);
struct api_set *api_new_queue(lua_State *L, struct policy *p, uint32_t len_max);
/* All rows; raises for a list of an earlier call. */
struct api_rows api_set_rows(lua_State *L, struct policy *p, const struct api_set *set);
struct api_rows api_all_rows(lua_State *L, struct policy *p, enum api_object of);
/* Room for as many rows as there are of anything; valid until others are collected there, so
 * no script may run meanwhile. */
uint32_t *api_scratch(lua_State *L, struct policy *p);
const struct api_set *api_to_set(lua_State *L, int index); /* NULL: none */

/* The i-th of the rows, which are of the set's kind, or nil; 1, as a function's end. */
int api_push_element(lua_State *L, struct policy *p, const struct api_set *set,
                     struct api_rows rows, int64_t i);

/* Which rows of `rows` hold this model? On all workers by the model's own list. */
uint32_t api_collect_model(lua_State *L, struct policy *p, const struct api_set *set,
                           uint32_t model, uint32_t *ret_rows);
uint32_t api_collect_pool(struct policy *p, uint32_t pool, uint32_t *ret_rows);
/* The row of a model by reference or alias; SNAP_NONE. O(1) once it was asked for. */
uint32_t api_find_model(lua_State *L, struct policy *p, struct str ref);

/* --- Metamethods ------------------------------------------------------------------- */

int api_on_index(lua_State *L);
int api_on_newindex(lua_State *L);
int api_on_pairs(lua_State *L);
int api_on_tostring(lua_State *L); /* names without addresses: those would tell where memory is */
int api_on_set_index(lua_State *L);
int api_on_labels_index(lua_State *L);
int api_on_labels_pairs(lua_State *L);
int api_on_config_index(lua_State *L);
int api_on_config_pairs(lua_State *L);
int api_on_view_index(lua_State *L);
int api_on_view_pairs(lua_State *L);
int api_on_view_len(lua_State *L);
int api_list_len(lua_State *L);
int api_list_index(lua_State *L); /* by number */
int api_list_pairs(lua_State *L);

int api_on_next(lua_State *L);    /* next() on upvalue 1, which scripts cannot reach */
int api_give_pairs(lua_State *L); /* the table at the top becomes what pairs() answers */

/* --- Choices ------------------------------------------------------------------- */

double api_load(const struct snap_worker *w); /* running and waiting per slot */
uint32_t api_least_loaded(struct policy *p, struct api_rows rows);
uint32_t api_lmetric(struct policy *p, struct api_rows rows, const struct snap_job *job);

/* Scores of one choice go into the answer when the call wants them. */
void api_scores_begin(struct policy *p);
void api_score(struct policy *p, uint32_t worker, double score);

/* --- Memory and models (api_capacity.c) ------------------------------------------ */

/* Free on all GPUs, or of main memory where there is none, less what starts have reserved. */
uint64_t api_pool_free_mb(const struct snap_pool *pool);
/* The same of the one GPU that has most. */
uint64_t api_pool_best_free_mb(const struct snap_pool *pool);
/* What the model needs; 0: not known. */
uint64_t api_model_needs_mb(const struct snap_model *m);
/* Measured there, else by its size and the speed of other loads (there, else anywhere).
 * False: nothing is known. */
bool api_load_time_ms(const struct snapshot *s, uint32_t model, uint32_t pool, uint64_t *ret);

/* Said by whoever counts, or seen from the figures. */
bool api_is_over_quota(const struct snap_tenant *t);

/* --- Arguments; each raises words that name the function ------------------------ */

/* Drop a repeated self: `ws.idle()` and `ws:idle()` are the same. */
void api_drop_self(lua_State *L);
/* Of a method of a row's: drops a repeated self; SNAP_NONE when the row is another's by now. */
uint32_t api_self_row(lua_State *L, const struct policy *p);
/* Keep what is a choice for the job that is being decided (api_narrow.c says which that is);
 * what it keeps stands in a set on the top of the stack, or nothing is pushed. */
void api_narrow(lua_State *L, struct policy *p, enum api_object of, struct api_rows *rows);
/* The same where a place for a job is chosen, also outside of schedule_job(): where some can
 * run `job` now (NULL: any job at all), those; where none can, the rows stay as they are. */
void api_narrow_placing(lua_State *L, struct policy *p, const struct snap_job *job,
                        struct api_rows *rows);
/* The place of the first, or last, that is one; -1: none. O(until it is found). */
int64_t api_narrow_first(const struct policy *p, enum api_object of, struct api_rows rows,
                         bool from_end);
/* Of a method: its rows, checked to be `of`; API_OBJECT_COUNT_: of anything. */
const struct api_set *api_self_set(lua_State *L, struct policy *p, uint32_t of,
                                   struct api_rows *ret);

_Noreturn void api_bad_argument(lua_State *L, int index, const char *expected);
/* "min_by: ..." at the caller's line. */
_Noreturn void api_fail(lua_State *L, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

struct str api_arg_text(lua_State *L, int index);
double api_arg_number(lua_State *L, int index);
uint64_t api_arg_amount(lua_State *L, int index); /* not negative, of any unit */
void api_arg_function(lua_State *L, int index);
/* Rows; jobs, workers, pools, tenants also by id, models by reference. SNAP_NONE: an id that
 * nobody has, or an object that is gone. */
uint32_t api_arg_row(lua_State *L, struct policy *p, int index, enum api_object object);
/* Absent: the job being decided. NULL when that is none, or gone. */
const struct snap_job *api_arg_job(lua_State *L, struct policy *p, int index);

/* --- The table, a file per noun -------------------------------------------------- */

#define API_FACT_KIND(lvalue) \
    _Generic((lvalue),                 \
        uint8_t: API_BOOL,             \
        uint32_t: API_U32,             \
        uint64_t: API_U64,             \
        int64_t: API_I64,              \
        double: API_NUMBER,            \
        char *: API_CHARS,             \
        struct snap_text: API_TEXT)
#define API_OFFSET(row_type, member) (uint16_t) offsetof(struct row_type, member)
#define API_FACT(row_type, member)                                 \
    .fact = API_FACT_KIND(((struct row_type *)(void *)0)->member), \
    .offset = API_OFFSET(row_type, member)
#define API_LIST_FACT(row_type, member) .fact = API_LIST, .offset = API_OFFSET(row_type, member)

struct api_table {
    const struct api_member *members;
    size_t len;
};
#define API_TABLE(array)                          \
    {                                             \
        array, sizeof(array) / sizeof((array)[0]) \
    }

extern const struct api_table api_job_table, api_user_table, api_geo_table, api_outcome_table;
extern const struct api_table api_worker_table, api_pool_table, api_gpu_table;
extern const struct api_table api_model_table, api_tenant_table;
extern const struct api_table api_context_table, api_metrics_table, api_rng_table;
extern const struct api_table api_set_table, api_queue_table;
extern const struct api_table api_registry_table, api_hives_table, api_helpers_table;
extern const struct api_table api_platform_table, api_log_table, api_globals_table;

const struct api_member *api_find_member(enum api_object object, struct str name);
