-- expect: timeout
function schedule(context)
    return context.queue:sort_by(function() while true do end end)
end
