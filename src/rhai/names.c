#include "rhai/names.h"

#include <stddef.h>

#define IS_ONE_OF(name, table) is_one_of(name, table, sizeof(table) / sizeof((table)[0]))

struct hint {
    const char *name;
    const char *text;
};

/* clang-format off */
static const struct hint left_out[] = {
    { "eval", "'eval' is not supported; a policy is compiled before it runs" },
    { "Fn", "'Fn(…)' is not supported; write the function's name, or a closure |x| f(x)" },
    { "curry", "'curry' is not supported; write a closure: |x| f(value, x)" },
    { "timestamp", "'timestamp' is not supported; the context has now_ms" },
    { "sleep", "'sleep' is not supported; answer wait(reason, retry_after_ms)" },
    { "blob", "blobs are not supported; use an array" },
    { "parse_decimal", "decimals are not supported; use parse_float" },
    { "to_decimal", "decimals are not supported; use to_float" },
    { "is_def_var", "'is_def_var' is not supported; a variable is known by reading the script" },
    { "is_def_fn", "'is_def_fn' is not supported; a function is known by reading the script" },
    { "get_bit", "bit-fields are not supported; write (x >> n) & 1 == 1" },
    { "set_bit", "bit-fields are not supported; write x | (1 << n)" },
    { "get_bits", "bit-fields are not supported; use >> and &" },
    { "set_bits", "bit-fields are not supported; use <<, & and |" },
};

static const struct hint left_out_methods[] = {
    { "curry", "'curry' is not supported; write a closure: |x| f(value, x)" },
    { "to_blob", "blobs are not supported; use to_chars" },
    { "as_string", "blobs are not supported; use to_string" },
    { "to_decimal", "decimals are not supported; use to_float" },
    { "get_bit", "bit-fields are not supported; write (x >> n) & 1 == 1" },
    { "set_bit", "bit-fields are not supported; write x | (1 << n)" },
    { "get_bits", "bit-fields are not supported; use >> and &" },
    { "set_bits", "bit-fields are not supported; use <<, & and |" },
};

static const char *const mutators[] = {
    "append", "chop", "clear", "dedup", "drain", "fill_with", "insert", "mixin", "pad", "pop",
    "push", "remove", "retain", "reverse", "set", "shift", "sort", "splice", "truncate",
};

static const char *const string_mutators[] = {
    "append", "clear", "crop", "make_lower", "make_upper", "pad", "pop", "push", "remove",
    "replace", "set", "trim", "truncate",
};

static const char *const predicate_takers[] = {
    "all", "any", "filter", "find", "some",
};

static const char *const lua_words[] = {
    "and", "break", "do", "else", "elseif", "end", "false", "for", "function", "goto", "if",
    "in", "local", "nil", "not", "or", "repeat", "return", "then", "true", "until", "while",
    "R", "G", "F", "C", "self", "_ENV",
};

static const char *const library[] = {
    "PI", "E", "abs", "acos", "append", "asin", "atan", "call", "ceiling", "clear", "contains",
    "cos", "crop", "debug", "drain", "ends_with", "exp", "filter", "find", "floor", "hypot",
    "index_of", "insert", "int", "is_empty", "is_even", "is_finite", "is_infinite", "is_nan",
    "is_odd", "is_shared", "is_zero", "keys", "len", "ln", "log", "map", "max", "min", "mixin",
    "pad", "parse_float", "parse_int", "pop", "print", "push", "range", "reduce", "remove",
    "replace", "reverse", "round", "shift", "sign", "sin", "sort", "splice", "split", "sqrt",
    "starts_with", "sub_string", "tan", "to_debug", "to_degrees", "to_float", "to_int", "to_lower",
    "to_radians", "to_string", "to_upper", "trim", "truncate", "type_of", "values",
};

const char *const name_host_functions[] = {
    "average", "can_job_fit", "check_gpu_compatibility", "check_tenant_quota", "clamp",
    "distance", "emit_metric", "estimate_job_duration", "estimate_performance",
    "estimate_quota_impact", "filter_jobs", "filter_pools", "find_gpus_with_vram",
    "find_models_by_family", "find_pools_with_capacity", "find_worker_to_evict",
    "get_all_workers", "get_gpu", "get_job", "get_model", "get_pool", "get_pool_utilization",
    "is_pool_healthy", "job_priority_score", "local_time", "metrics", "model_exists",
    "model_size_bytes", "model_vram_required", "reject", "resolve_model", "setting",
    "should_evict", "tenant_over_quota", "tenant_remaining_quota", "tenant_usage", "wait", NULL,
};

const char *const name_host_objects[] = {
    "context", "helpers", "hives", "log", "platform", "registry", "tenants", NULL,
};

static const struct {
    const char *name;
    const char *params;
    unsigned count;
} entries[] = {
    { "schedule", "context", 1 },
    { "schedule_job", "job, pools, workers", 3 },
    { "should_admit", "job, context", 2 },
    { "should_retry", "job, attempt, error", 3 },
    { "on_outcome", "job, outcome", 2 },
};
/* clang-format on */

static bool is_one_of(struct str name, const char *const *table, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (str_eq(name, table[i]))
            return true;
    }
    return false;
}

static bool is_listed(struct str name, const char *const *list)
{
    for (; *list; list++) {
        if (str_eq(name, *list))
            return true;
    }
    return false;
}

static const char *hint_of(struct str name, const struct hint *table, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (str_eq(name, table[i].name))
            return table[i].text;
    }
    return NULL;
}

const char *name_left_out(struct str name)
{
    return hint_of(name, left_out, sizeof(left_out) / sizeof(left_out[0]));
}

const char *name_left_out_method(struct str name)
{
    return hint_of(name, left_out_methods, sizeof(left_out_methods) / sizeof(left_out_methods[0]));
}

bool name_is_mutator(struct str name)
{
    return IS_ONE_OF(name, mutators);
}

bool name_is_string_mutator(struct str name)
{
    return IS_ONE_OF(name, string_mutators);
}

bool name_is_predicate_taker(struct str name)
{
    return IS_ONE_OF(name, predicate_takers);
}

bool name_is_lua_word(struct str name)
{
    return IS_ONE_OF(name, lua_words);
}

bool name_is_known_function(struct str name)
{
    return IS_ONE_OF(name, library) || is_listed(name, name_host_functions);
}

bool name_is_known_global(struct str name)
{
    return is_listed(name, name_host_objects) || is_listed(name, name_host_functions);
}

const char *name_entry_params(struct str name, unsigned *ret_count)
{
    for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++) {
        if (str_eq(name, entries[i].name)) {
            *ret_count = entries[i].count;
            return entries[i].params;
        }
    }
    return NULL;
}
