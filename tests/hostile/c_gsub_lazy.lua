-- expect: timeout
function schedule(context)
    return (('a'):rep(200000):gsub(('.-'):rep(9) .. 'b', ''))
end
