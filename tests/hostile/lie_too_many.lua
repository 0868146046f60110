-- expect: invalid
function schedule(context)
    local all = {}
    for i = 1, 1000 do all[i] = { action = 'wait' } end
    return all
end
