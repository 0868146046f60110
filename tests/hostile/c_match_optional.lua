-- expect: timeout
function schedule(context)
    return ('a'):rep(34):match(('a?'):rep(34) .. ('a'):rep(34) .. 'b')
end
