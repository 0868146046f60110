-- expect: decision
function schedule(context)
    for _, i in ipairs({ 0, -1, 4294967295, 4294967296, math.maxinteger, math.mininteger, 1.5, 1 / 0, 0 / 0 }) do
        assert(context.workers[i] == nil)
        assert(context.queue[i] == nil)
    end
end
