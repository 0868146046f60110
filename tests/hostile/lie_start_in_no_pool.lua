-- expect: invalid
function schedule(context)
    return { action = 'start_worker', model_ref = 'tiny', pool_id = 'nowhere' }
end
