-- expect: error
function schedule(context)
    return ('x'):find(('('):rep(40))
end
