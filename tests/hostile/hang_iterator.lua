-- expect: timeout
function schedule(context)
    for _ in function() return 1 end do end
end
