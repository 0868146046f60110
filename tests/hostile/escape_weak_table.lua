-- expect: error
function schedule(context)
    setmetatable({}, { __mode = 'k' })
end
