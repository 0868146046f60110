-- expect: load raw
Lua