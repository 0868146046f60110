-- expect: timeout
function schedule(context)
    table.insert(setmetatable({}, { __len = function() return 1 << 53 end }), 1, 1)
end
