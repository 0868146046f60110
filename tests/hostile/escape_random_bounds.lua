-- expect: error
function schedule(context)
    return math.random(math.maxinteger, math.mininteger)
end
