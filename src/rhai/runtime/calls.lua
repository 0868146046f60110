
-- Calls: of functions of the script, of Rhai's library, and of the host.
local methods = {
    number = numbers, string = strings, array = arrays, map = maps, range = ranges,
    fn = {}, host = {}, boolean = {}, ["nil"] = {},
}

function methods.fn.call(f, ...)
    return invoke(f, nil, ...)
end

for _, library in pairs(methods) do
    library.to_string = to_text
    library.to_debug = function(v)
        return to_text(v, true)
    end
    library.type_of = type_of
    library.is_shared = function()
        return false
    end
end

-- Functions that are not methods first of all.
local functions = {type_of = type_of}

-- `log` is the host's, and a number's method here.
local function report(text)
    local log = globals.log
    if log and log.info then
        log.info(text)
    elseif globals.print then
        globals.print(text)
    end
end

function functions.print(v)
    report(to_text(v))
end

function functions.debug(v)
    report(to_text(v, true))
end

function functions.PI()
    return math.pi
end

function functions.E()
    return math.exp(1)
end

local function extreme(is_better)
    return function(...)
        local best_one = ...
        for i = 2, select("#", ...) do
            local v = select(i, ...)
            if not is_ordered(v, best_one) then
                return nil, true
            end
            best_one = is_better(v, best_one) and v or best_one
        end
        return best_one
    end
end

local extremes = {min = extreme(R.lt), max = extreme(R.gt)}

for name, f in pairs(extremes) do
    functions[name] = function(...)
        local found, is_wrong = f(...)
        if is_wrong or select("#", ...) < 2 then
            not_found(name, ...)
        end
        return found
    end
    numbers[name] = functions[name]
end

function functions.range(from, to, step)
    if kind_of(from) == "range" then
        from, to, step = from[1], from[2] + (from[3] and 1 or 0), to
    end
    local range = R.range(from, to)
    if step ~= nil and need_integer(step) == 0 then
        fail("ErrorArithmetic", "step value cannot be zero")
    end
    range[4] = step ~= 1 and step or nil
    return range
end

local function is_tagged(v)
    return type(v) == "table" and v[0] ~= nil
end

-- The host gets no table of ours: a copy in plain Lua instead.
local function call_with_plain(f, ...)
    local n, args = select("#", ...), {...}
    for i = 1, n do
        args[i] = plain(args[i])
    end
    return (f(table.unpack(args, 1, n)))
end

local function call_plainly(f, a, b, c, ...)
    if is_tagged(a) or is_tagged(b) or is_tagged(c) or select("#", ...) > 0 then
        return call_with_plain(f, a, b, c, ...)
    elseif c ~= nil then
        return (f(a, b, c))
    elseif b ~= nil then
        return (f(a, b))
    elseif a ~= nil then
        return (f(a))
    end
    return (f())
end

-- What the host's object does not offer, its list may.
local function call_list(object, name, ...)
    local n = host_length(object)
    local method = n and arrays[name]
    if method then
        return (method(host_array(object, n), ...))
    end
    if not n and (name == "keys" or name == "values" or name == "len") then
        local map = {[0] = "map"}
        for key, value in pairs(object) do
            map[key] = value
        end
        return (maps[name](map, ...))
    elseif not n and name == "contains" then
        return object[...] ~= nil
    elseif methods.host[name] then
        return (methods.host[name](object, ...))
    end
    not_found(name, object, ...)
end

local function call_object(object, name, ...)
    local method = object[name]
    if type(method) == "function" then
        return call_plainly(method, ...)
    end
    return call_list(object, name, ...)
end

local function field_function(object, name)
    local field = type(object) == "table" and object[0] == "map" and object[name]
    return field and kind_of(field) == "fn" and field
end

function R.call(object, name, ...)
    local kind = kind_of(object)
    if kind == "host" then
        return call_object(object, name, ...)
    end
    local field = field_function(object, name)
    if field then
        return invoke(field, object, ...)
    end
    local method = methods[kind][name]
    if method then
        return (method(object, ...))
    elseif kind == "string" and string_changes[name] then
        return (select(2, string_changes[name](object, ...)))
    end
    not_found(name, object, ...)
end

-- A function of the script called as a method: x is its `this`.
function R.call_own(object, name, f, ...)
    local field = field_function(object, name)
    if field then
        return invoke(field, object, ...)
    end
    return invoke(f, object, ...)
end

function R.call_unbound(f, ...)
    return invoke(f, nil, ...)
end

-- x.f(…) where f may give x another value: that one, then the value of the call.
function R.mutate(object, name, f, ...)
    local own = field_function(object, name) or f
    if own and type(own) == "table" and own.assigns then
        local result, changed = own.call(object, ...)
        return changed, result
    elseif own then
        return object, invoke(own, object, ...)
    elseif type(object) == "string" and string_changes[name] then
        return string_changes[name](object, ...)
    end
    return object, R.call(object, name, ...)
end

function R.mutate_at(object, key, name, f, ...)
    local inner = at(object, key)
    local changed, result = R.mutate(inner, name, f, ...)
    put(object, key, changed, inner)
    return result
end

-- f(…) that the script does not define: of Rhai, else of the host.
function R.call_host(G, name, ...)
    local f = functions[name]
    if f then
        return (f(...))
    end
    local first = ...
    local kind = kind_of(first)
    if kind ~= "host" and select("#", ...) > 0 and
        (methods[kind][name] or kind == "string" and string_changes[name]) then
        return R.call(first, name, select(2, ...))
    end
    f = G[name]
    if type(f) == "function" then
        return call_plainly(f, ...)
    elseif kind == "host" then
        return R.call(first, name, select(2, ...))
    end
    not_found(name, ...)
end

-- A function whose answers must be bools, for who would take anything for true.
function R.predicate(f)
    if kind_of(f) ~= "fn" then
        return f
    end
    return function(...)
        return need_bool(invoke(f, (...), ...))
    end
end

return R
