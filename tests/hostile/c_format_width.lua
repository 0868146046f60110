-- expect: error
function schedule(context)
    return ('%99999d'):format(1)
end
