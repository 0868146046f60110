-- expect: timeout|memory
function schedule(context)
    while true do string.unpack(('z'):rep(200), ('x'):rep(1000):rep(1) .. ('\0'):rep(200)) end
end
