-- expect: timeout
function schedule(context)
    while true do
        pcall(table.sort, { 1, 2, 3 }, function(a, b) while true do end end)
    end
end
