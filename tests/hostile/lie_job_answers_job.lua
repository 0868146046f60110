-- expect: invalid
function schedule_job(job, pools, workers)
    return job
end
