-- expect: error
local function f(s) return (s:gsub('.', f)) end
function schedule() return f('abc') end
