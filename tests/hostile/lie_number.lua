-- expect: invalid
function schedule(context)
    return 42
end
