-- expect: invalid
function schedule(context)
    return context
end
