-- expect: error
function schedule(context)
    context.now_ms = 0
end
