-- expect: memory|timeout
function schedule(context)
    local f
    while true do
        local g = f
        f = function() return g end
    end
end
