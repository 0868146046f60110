-- expect: error
function schedule(context)
    context.workers[1].slots = 1000
end
