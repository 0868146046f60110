-- expect: error
function schedule(context)
    return unpack({}, 1, 100000000)
end
