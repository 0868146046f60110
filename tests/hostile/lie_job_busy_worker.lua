-- expect: invalid
function schedule_job(job, pools, workers)
    return workers:find('w-2')
end
