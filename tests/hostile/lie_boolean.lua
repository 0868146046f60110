-- expect: invalid
function schedule(context)
    return true
end
