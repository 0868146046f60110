-- expect: timeout
function schedule(context)
    while true do pcall(pcall, pcall, error) end
end
