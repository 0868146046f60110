-- expect: error
function schedule(context)
    return string.pack('!17i17', 1)
end
