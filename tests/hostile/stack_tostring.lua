-- expect: error
local mt = {}
mt.__tostring = function(self) return tostring(setmetatable({}, mt)) end
function schedule() return tostring(setmetatable({}, mt)) end
