-- expect: load
while true do end
function schedule() end
