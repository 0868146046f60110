-- expect: invalid
function schedule(context)
    return { action = 1 }
end
