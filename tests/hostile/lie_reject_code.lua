-- expect: decision
function schedule(context)
    return { action = 'reject', job_id = 'job-1', code = 'no\r\nSet-Cookie: x' }
end
