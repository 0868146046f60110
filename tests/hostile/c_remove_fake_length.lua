-- expect: timeout
function schedule(context)
    table.remove(setmetatable({}, { __len = function() return 1 << 53 end }), 1)
end
