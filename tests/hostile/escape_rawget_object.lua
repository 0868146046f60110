-- expect: error
function schedule(context)
    return rawget(context.workers[1], 'id')
end
