-- expect: invalid
function schedule(context)
    local batch = { action = 'batch' }
    batch.actions = { batch }
    return batch
end
