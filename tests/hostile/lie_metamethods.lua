-- expect: invalid|decision
function schedule(context)
    return setmetatable({}, { __index = function() while true do end end })
end
