-- expect: decision
function schedule(context)
    local absent = {
        'load', 'loadstring', 'loadfile', 'dofile', 'require', 'package', 'os', 'io', 'debug',
        'collectgarbage', 'coroutine', 'xpcall', 'warn', 'print', 'newproxy', 'getfenv', 'setfenv',
        'module', 'jit', 'ffi', 'arg',
    }
    for _, name in ipairs(absent) do
        local ok, value = pcall(function() return _G and _G[name] end)
        assert(not ok or value == nil, name)
    end
    assert(string.dump == nil, 'string.dump')
    assert(load == nil and require == nil and os == nil and io == nil and debug == nil)
end
