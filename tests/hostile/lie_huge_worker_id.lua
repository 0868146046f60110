-- expect: invalid
function schedule(context)
    return { action = 'dispatch', job_id = 'job-1', worker_id = ('w'):rep(1000000) }
end
