-- expect: invalid
function schedule_job(job, pools, workers)
    return { id = 'w-1' }
end
