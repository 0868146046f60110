-- expect: decision|memory
local kept = {}
function schedule()
    for i = 1, 5000 do kept[#kept + 1] = ('x'):rep(1000) .. #kept end
end
