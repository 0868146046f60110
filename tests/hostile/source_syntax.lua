-- expect: load
function schedule(context
    return
