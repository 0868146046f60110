-- expect: timeout|memory
function schedule(context)
    while true do pcall(string.rep, 'x', 1 << 27) end
end
