-- expect: error
function schedule(context)
    error(('x'):rep(1000000))
end
