-- expect: timeout
function schedule(context)
    while true do
        pcall(function() context.workers:filter(function() while true do end end) end)
    end
end
