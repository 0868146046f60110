-- expect: error
function schedule(context)
    setmetatable({}, { __gc = function() while true do end end })
end
