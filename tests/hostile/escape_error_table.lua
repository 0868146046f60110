-- expect: error
function schedule(context)
    error({ code = 'x' })
end
