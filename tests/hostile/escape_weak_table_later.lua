-- expect: error
function schedule(context)
    local mt, t = {}, {}
    setmetatable(t, mt)
    mt.__mode = 'kv'
    pcall(function() for i = 1, 1000000 do t[{}] = ('x'):rep(1000) .. i end end)
end
