-- expect: invalid
function schedule(context)
    local d = { action = 'dispatch', job_id = 'job-1', worker_id = 'w-1' }
    return { d, d }
end
