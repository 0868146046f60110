-- expect: invalid|decision
function schedule(context)
    return setmetatable({}, { __len = function() while true do end end })
end
