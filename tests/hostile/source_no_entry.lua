-- expect: load
local x = 1
