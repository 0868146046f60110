-- expect: error
function schedule(context)
    error(context)
end
