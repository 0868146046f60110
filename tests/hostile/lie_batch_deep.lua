-- expect: invalid|decision
function schedule(context)
    local batch = { action = 'wait' }
    for i = 1, 10000 do batch = { action = 'batch', actions = { batch } } end
    return batch
end
