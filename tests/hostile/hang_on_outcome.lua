-- expect: timeout ask=outcome
function schedule() end
function on_outcome(job, outcome) while true do end end
