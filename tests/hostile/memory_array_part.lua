-- expect: memory|timeout|error
function schedule(context)
    local t = { unpack({}, 1, 200000) }
    local all = {}
    while true do all[#all + 1] = { unpack({}, 1, 200000) } end
end
