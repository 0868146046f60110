-- expect: memory|timeout
function schedule(context)
    local all = {}
    while true do all[#all + 1] = context.workers:filter(function() return true end) end
end
