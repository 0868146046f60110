-- expect: error|timeout|memory
local function f()
    local x <close> = setmetatable({}, { __close = function() f() end })
end
function schedule() f() end
