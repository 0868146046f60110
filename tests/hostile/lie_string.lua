-- expect: invalid
function schedule(context)
    return 'w-1'
end
