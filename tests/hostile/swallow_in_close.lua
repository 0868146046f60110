-- expect: timeout|error
function schedule(context)
    while true do
        pcall(function()
            local a <close> = setmetatable({}, { __close = function() while true do end end })
            while true do end
        end)
    end
end
