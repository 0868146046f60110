-- expect: decision|timeout|memory
function schedule(context)
    for i = 1, 3 do log.info(('x'):rep(1000000)) end
end
