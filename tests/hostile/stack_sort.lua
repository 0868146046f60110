-- expect: error
local function f(a, b)
    table.sort({ 1, 2, 3 }, f)
    return a < b
end
function schedule() table.sort({ 3, 2, 1 }, f) end
