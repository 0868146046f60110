-- expect: timeout
function schedule(context)
    ::again::
    goto again
end
