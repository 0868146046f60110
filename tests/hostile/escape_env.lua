-- expect: error
function schedule(context)
    local _ENV = {}
    return string.rep("x", 1)
end
