-- expect: timeout ask=retry
function schedule() end
function should_retry(job, attempt, err) while attempt do end end
