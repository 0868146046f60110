-- expect: decision|error|invalid
local kept
function schedule(context)
    kept = kept or context.workers[1]
    return { action = 'wait', reason = kept.id }
end
