-- expect: error
function schedule(context)
    local find = context.queue.find
    return find({}, {}, {}).x
end
