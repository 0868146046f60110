-- expect: decision
function schedule(context)
    log.info('one\nerror forged\27[2J\0' .. ('\255'):rep(10))
end
