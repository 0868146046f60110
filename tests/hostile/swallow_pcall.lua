-- expect: timeout
function schedule(context)
    while true do pcall(function() while true do end end) end
end
