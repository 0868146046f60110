-- expect: error
function schedule(context)
    setmetatable(context, {})
end
