-- expect: timeout
function schedule(context)
    table.move({}, 1, 1 << 53, 2)
end
