-- expect: decision
function schedule(context)
    for _, object in ipairs({ context, context.workers, context.workers[1], context.queue, context.queue[1] }) do
        assert(type(getmetatable(object)) ~= 'table')
    end
end
