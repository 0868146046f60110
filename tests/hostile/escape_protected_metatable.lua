-- expect: error
function schedule(context)
    local t = setmetatable({}, { __metatable = false })
    setmetatable(t, {})
end
