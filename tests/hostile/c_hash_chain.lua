-- expect: timeout|memory|decision
function schedule(context)
    local t = {}
    for i = 1, 200000 do t[i * 131071] = true end
end
