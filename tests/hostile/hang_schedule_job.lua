-- expect: timeout
function schedule_job(job, pools, workers)
    while true do end
end
