-- expect: error|decision
function schedule(context)
    platform.schedule = function() return 42 end
    return platform.schedule(context)
end
