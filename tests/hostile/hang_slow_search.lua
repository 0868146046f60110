-- expect: timeout
function schedule(context)
    for a = 1, 10000 do for b = 1, 10000 do for c = 1, 10000 do
        if a ^ 3 + b ^ 3 == c ^ 3 then return nil end
    end end end
end
