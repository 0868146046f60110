-- expect: memory|timeout
function schedule(context)
    local i = 0
    while true do i = i + 1; big = { big, ('x'):rep(100) .. i } end
end
