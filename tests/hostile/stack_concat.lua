-- expect: error
local mt = {}
mt.__concat = function(a, b) return a .. b end
function schedule() return setmetatable({}, mt) .. 'x' end
