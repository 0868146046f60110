-- expect: timeout
function schedule(context)
    return ('('):rep(2000000):find('%b()')
end
