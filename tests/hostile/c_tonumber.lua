-- expect: timeout|memory|decision
function schedule(context)
    local digits = ('9'):rep(1000000)
    for i = 1, 1000000 do tonumber(digits) end
end
