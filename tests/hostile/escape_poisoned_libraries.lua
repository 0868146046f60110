-- expect: decision
function schedule(context)
    string.find = function() error('poison') end
    string.format = string.find
    table.sort = string.find
    table.insert = string.find
    math.max = string.find
    ipairs, pairs, type, tostring, pcall, next = nil, nil, nil, nil, nil, nil
    return platform.schedule(context)
end
