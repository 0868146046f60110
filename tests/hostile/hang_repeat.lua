-- expect: timeout
function schedule(context)
    repeat until false
end
