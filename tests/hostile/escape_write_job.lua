-- expect: error
function schedule(context)
    context.queue[1].model_ref = 'another'
end
