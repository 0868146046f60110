-- expect: invalid|decision
function schedule(context)
    return { [1] = { action = 'wait' }, [1000000000] = { action = 'wait' } }
end
