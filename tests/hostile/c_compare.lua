-- expect: timeout|memory
function schedule(context)
    local a = ('a\0'):rep(1500000)
    local b = a .. 'b'
    while a < b do end
end
