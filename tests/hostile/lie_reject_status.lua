-- expect: invalid
function schedule(context)
    return { action = 'reject', job_id = 'job-1', code = 'no', status = 200 }
end
