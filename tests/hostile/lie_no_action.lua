-- expect: invalid
function schedule(context)
    return { job_id = 'job-1' }
end
