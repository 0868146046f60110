-- expect: memory|timeout
function schedule(context)
    return (('x'):rep(1000000):gsub('x', ('y'):rep(1000)))
end
