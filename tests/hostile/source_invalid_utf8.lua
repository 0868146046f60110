-- expect: decision|load
local name = 'ÿþÀ'
function schedule() log.info(name) end
