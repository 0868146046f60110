-- expect: error|memory
function schedule(context)
    return ('x'):rep(1 << 62)
end
