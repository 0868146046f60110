-- expect: error
function schedule(context)
    getmetatable('').__index = function() return 'owned' end
end
