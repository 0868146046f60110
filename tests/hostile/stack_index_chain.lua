-- expect: error
local t = {}
for i = 1, 5000 do t = setmetatable({}, { __index = t }) end
function schedule() return t.x end
