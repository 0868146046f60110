-- expect: timeout
function schedule(context)
    for _ in ('a'):rep(200000):gmatch(('.-'):rep(9) .. 'b') do end
end
