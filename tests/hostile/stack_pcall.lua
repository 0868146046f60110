-- expect: decision|error|timeout|memory
local function f() return pcall(f) end
function schedule() f() end
