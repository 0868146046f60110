-- expect: timeout|error|memory
local function f()
    pcall(f)
    return f()
end
function schedule() return f() end
