-- expect: invalid
function schedule(context)
    return function() end
end
