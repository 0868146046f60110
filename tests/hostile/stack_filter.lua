-- expect: error|timeout|memory
local function f(w, c)
    return true
end
function schedule(context)
    local function g() return context.workers:filter(g):len() > 0 end
    return context.workers:filter(g)
end
