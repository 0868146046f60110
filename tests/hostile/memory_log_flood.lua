-- expect: decision|timeout
function schedule(context)
    for i = 1, 20000 do log.info(('line %d'):format(i)) end
end
