-- expect: timeout ask=admit
function schedule() end
function should_admit(job, context) while true do end end
