-- expect: invalid
function schedule(context)
    return { action = 'start_worker' }
end
