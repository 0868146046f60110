/* env_private - what replaces functions of Lua's base library. For the files env*.c alone. */
#pragma once

#include "policy/state.h"

int env_setmetatable(lua_State *L);
int env_getmetatable(lua_State *L); /* of tables; nil for all else */
int env_rawset(lua_State *L);
