-- expect: error
function schedule(context)
    context.workers[1] = context.workers[2]
end
