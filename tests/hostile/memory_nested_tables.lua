-- expect: memory|timeout
function schedule(context)
    local t = {}
    while true do t = { t } end
end
