-- expect: error|memory
function schedule(context)
    return ('x'):rep(1 << 40, ('y'):rep(1000))
end
