-- expect: timeout
function schedule(context)
    while true do
        pcall(string.gsub, ('x'):rep(1000), '.', function() while true do end end)
    end
end
