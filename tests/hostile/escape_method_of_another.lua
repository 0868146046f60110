-- expect: error
function schedule(context)
    return context.workers.filter(context.queue[1], function() return true end).x.y
end
