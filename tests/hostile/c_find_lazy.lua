-- expect: timeout
function schedule(context)
    return ('a'):rep(200000):find(('.-'):rep(9) .. 'b')
end
