-- expect: timeout
function schedule(context)
    local guard <close> = setmetatable({}, { __close = function() while true do end end })
end
