-- expect: timeout|memory
function schedule(context)
    return table.concat(setmetatable({}, { __index = function() return '' end }), '', 1, 1000000000)
end
