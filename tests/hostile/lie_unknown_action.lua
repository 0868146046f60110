-- expect: invalid
function schedule(context)
    return { action = 'exec', command = 'true' }
end
