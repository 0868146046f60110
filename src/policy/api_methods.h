/*
 * api_methods - the methods of lists of rows, for the tables that name them. Each is a
 * lua_CFunction whose first upvalue is its list.
 */
#pragma once

#include <lua.h>

/* api_filter.c */
int api_set_idle(lua_State *L);
int api_set_ready(lua_State *L);
int api_set_online(lua_State *L);
int api_set_with_model(lua_State *L);
int api_set_with_capacity(lua_State *L);
int api_set_in_region(lua_State *L);
int api_set_with_label(lua_State *L);
int api_set_with_capability(lua_State *L);
int api_set_eligible(lua_State *L);
int api_set_one_build(lua_State *L);
int api_set_prefer_healthy(lua_State *L);

/* api_each.c */
int api_set_first(lua_State *L);
int api_set_last(lua_State *L);
int api_set_take(lua_State *L);
int api_set_is_empty(lua_State *L);
int api_set_len(lua_State *L);
int api_set_find(lua_State *L);
int api_set_filter(lua_State *L);
int api_set_map(lua_State *L);
int api_set_any(lua_State *L);
int api_set_all(lua_State *L);
int api_set_min_by(lua_State *L);
int api_set_max_by(lua_State *L);
int api_set_sum(lua_State *L);
int api_set_sort_by(lua_State *L);

/* api_choose.c */
int api_set_least_loaded(lua_State *L);
int api_set_most_vram_free(lua_State *L);
int api_set_round_robin(lua_State *L);
int api_set_random(lua_State *L);
int api_set_power_of_two(lua_State *L);
int api_set_lmetric(lua_State *L);
int api_set_warmest(lua_State *L);

/* api_evict.c */
int api_set_to_evict(lua_State *L);
