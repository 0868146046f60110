-- expect: memory|timeout
function schedule(context)
    local s = 'x'
    while true do s = s .. s end
end
