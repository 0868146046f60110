-- expect: error
function schedule(context)
    error(setmetatable({}, { __tostring = function() while true do end end }))
end
