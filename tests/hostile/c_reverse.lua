-- expect: timeout|memory
function schedule(context)
    local s = ('x'):rep(4000000)
    while true do s:reverse() end
end
