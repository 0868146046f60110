-- expect: timeout|memory
function schedule(context)
    local s = utf8.char(0x10ffff):rep(500000)
    while true do utf8.len(s) end
end
