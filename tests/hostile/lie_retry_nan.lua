-- expect: invalid
function schedule(context)
    return { action = 'wait', retry_after_ms = 0 / 0 }
end
