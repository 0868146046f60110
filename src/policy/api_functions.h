/* api_functions - the free functions, for the table that names them. */
#pragma once

#include <lua.h>

/* api_lookup.c */
int api_setting(lua_State *L);
int api_call_metrics(lua_State *L);
int api_get_job(lua_State *L);
int api_get_pool(lua_State *L);
int api_get_gpu(lua_State *L);
int api_get_model(lua_State *L);
int api_get_all_workers(lua_State *L);
int api_filter_jobs(lua_State *L);
int api_filter_pools(lua_State *L);
int api_find_pools_with_capacity(lua_State *L);
int api_find_gpus_with_vram(lua_State *L);
int api_find_models_by_family(lua_State *L);
int api_is_pool_healthy(lua_State *L);
int api_get_pool_utilization(lua_State *L);
int api_check_gpu_compatibility(lua_State *L);
int api_resolve_model(lua_State *L);
int api_model_size_bytes(lua_State *L);
int api_model_vram_required(lua_State *L);
int api_model_exists(lua_State *L);

/* api_estimate.c */
int api_estimate_performance(lua_State *L);
int api_estimate_job_duration(lua_State *L);
int api_can_job_fit(lua_State *L);
int api_job_priority_score(lua_State *L);
int api_tenant_over_quota(lua_State *L);
int api_tenant_remaining_quota(lua_State *L);
int api_tenant_usage(lua_State *L);
int api_check_tenant_quota(lua_State *L);
int api_estimate_quota_impact(lua_State *L);

/* api_evict.c */
int api_find_worker_to_evict(lua_State *L);
int api_should_evict(lua_State *L);

/* api_plain.c */
int api_reject(lua_State *L);
int api_wait(lua_State *L);
int api_distance(lua_State *L);
int api_local_time(lua_State *L);
int api_emit_metric(lua_State *L);
int api_average(lua_State *L);
int api_min(lua_State *L);
int api_max(lua_State *L);
int api_clamp(lua_State *L);
int api_contains(lua_State *L);
int api_starts_with(lua_State *L);
int api_ends_with(lua_State *L);
int api_split(lua_State *L);
