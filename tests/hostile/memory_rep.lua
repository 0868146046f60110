-- expect: memory|timeout
function schedule(context)
    return ('x'):rep(100000000)
end
