-- expect: timeout
function schedule(context)
    return context.workers:min_by(function() while true do end end)
end
