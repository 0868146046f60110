-- expect: timeout
function schedule(context)
    while true do end
end
