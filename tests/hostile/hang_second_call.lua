-- expect: decision|timeout
local calls = 0
function schedule()
    calls = calls + 1
    while calls > 1 do end
end
