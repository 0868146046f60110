-- expect: decision
function schedule(context)
    local mt = {}
    for i = 1, 1000 do setmetatable({}, mt) end
    mt.__gc = function() while true do end end
    local garbage = {}
    for i = 1, 10000 do garbage = { garbage = {} } end
end
