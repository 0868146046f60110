-- expect: invalid
function schedule(context)
    return { action = 'start_worker', model_ref = 'tiny', pool_id = 'attic', gpu_id = 1 << 40 }
end
