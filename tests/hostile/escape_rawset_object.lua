-- expect: error
function schedule(context)
    rawset(context, 'now_ms', 0)
end
