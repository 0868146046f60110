-- expect: timeout
function schedule(context)
    return (('x'):gsub('.', function() while true do end end))
end
