-- expect: decision|memory|timeout
function schedule(context)
    local t = {}
    pcall(function() while true do t[#t + 1] = ('x'):rep(100000) .. #t end end)
    t = nil
    return { action = 'wait' }
end
