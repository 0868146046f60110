-- expect: error|decision
function schedule(context)
    local t = {}
    for i = 1, 5000 do t[i] = i % 7 end
    table.sort(t, function() return true end)
end
