-- expect: invalid
function schedule(context)
    return { action = 'evict', worker_id = 'w-2' }
end
