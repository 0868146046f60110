-- expect: decision|timeout|error
function schedule(context)
    for i = 1, 5000 do emit_metric('m' .. i, i) end
end
