-- expect: error
function schedule(context)
    error(nil)
end
