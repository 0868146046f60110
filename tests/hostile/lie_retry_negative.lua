-- expect: invalid
function schedule(context)
    return { action = 'wait', retry_after_ms = -1 }
end
