-- expect: timeout
local function f() return f() end
function schedule() return f() end
