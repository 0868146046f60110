-- expect: timeout
function schedule(context)
    for i = 1, math.maxinteger do end
end
