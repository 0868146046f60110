-- expect: timeout
function schedule(context)
    local mt = { __eq = function() while true do end end }
    return setmetatable({}, mt) == setmetatable({}, mt)
end
