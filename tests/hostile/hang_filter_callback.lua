-- expect: timeout
function schedule(context)
    return context.workers:filter(function() while true do end end)
end
