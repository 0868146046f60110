-- expect: timeout
function schedule(context)
    local hay = ('a'):rep(4000000)
    for i = 1, 1000 do hay:find(('a'):rep(1000000) .. 'b', 1, true) end
end
