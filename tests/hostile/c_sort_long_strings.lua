-- expect: timeout|decision|memory
function schedule(context)
    local t, long = {}, ('x'):rep(100000)
    for i = 1, 100 do t[i] = long .. i end
    for i = 1, 1000 do table.sort(t, function(a, b) return a .. 'y' < b .. 'y' end) end
end
