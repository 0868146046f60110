-- expect: memory|timeout
function schedule(context)
    local t = {}
    for i = 1, 20000 do t[i] = ('x'):rep(1000) end
    return table.concat(t)
end
