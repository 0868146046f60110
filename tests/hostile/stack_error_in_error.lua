-- expect: error
local mt = { __index = function(t, k) error(t[k .. "x"]) end }
function schedule() return setmetatable({}, mt).x end
