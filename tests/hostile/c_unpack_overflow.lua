-- expect: error
function schedule(context)
    return unpack({}, math.mininteger, math.maxinteger)
end
