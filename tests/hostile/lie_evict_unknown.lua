-- expect: invalid
function schedule(context)
    return { action = 'evict', worker_id = '../../etc/passwd' }
end
