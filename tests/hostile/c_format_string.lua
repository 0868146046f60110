-- expect: timeout|memory
function schedule(context)
    while true do local s = ('%s%s%s%s'):format(('x'):rep(500000), '', '', '') end
end
