-- expect: error|memory
local function f(n) return 1 + f(n + 1) end
function schedule() return f(0) end
