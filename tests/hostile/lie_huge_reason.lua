-- expect: decision|invalid
function schedule(context)
    return { action = 'wait', reason = ('x'):rep(1000000) }
end
