-- expect: load
local x = ('a'):rep(200000):find(('.-'):rep(9) .. 'b')
function schedule() end
