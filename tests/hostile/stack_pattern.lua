-- expect: error|decision
function schedule(context)
    return { action = 'wait', reason = tostring(('a'):rep(100000):find(('(a'):rep(30) .. ('a?'):rep(1000) .. (')'):rep(30)) ~= nil) }
end
