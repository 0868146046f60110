-- What compiled Rhai calls `R`: Rhai's values and operators on top of Lua's.
--
-- ()      nil; kept in a map as UNIT, so that its key stays
-- array   {[0] = length, items from 1 on}
-- map     {[0] = "map", name = value}
-- range   {[0] = "range", from, to, is_inclusive}
-- Fn      a Lua function; {[0] = "fn", call, assigns} when it uses `this`
-- host    userdata and tables of the policy API, which are references
-- i64, f64, bool and string are Lua's own; a character is a string of one.
local error, next, pairs, pcall, rawequal, select, tostring, tonumber, type =
    error, next, pairs, pcall, rawequal, select, tostring, tonumber, type
local math, string, table, utf8, globals = math, string, table, utf8, _ENV
local math_type = math.type

local R = {}
local UNIT = {}
local tries = 0 -- open try blocks

local function kind_of(v)
    local kind = type(v)
    if kind == "table" then
        local tag = v[0]
        if tag == nil then
            return "host"
        end
        return math_type(tag) and "array" or tag
    elseif kind == "userdata" then
        return "host"
    elseif kind == "function" then
        return "fn"
    end
    return kind
end

local function type_of(v)
    local kind = kind_of(v)
    if kind == "nil" then
        return "()"
    elseif kind == "number" then
        return math_type(v) == "integer" and "i64" or "f64"
    elseif kind == "boolean" then
        return "bool"
    elseif kind == "fn" then
        return "Fn"
    elseif kind == "range" then
        return v[3] and "range=" or "range"
    elseif kind == "host" then
        return tostring(v):match("^[%a_][%w_.]*") or "object"
    end
    return kind
end

-- Errors name the line of the script: the nearest function on the stack that is not ours.
local HERE = select(2, pcall(error, "", 2)):match("^(.-):%d+: $")

local function place()
    for level = 3, 64 do
        local _, at = pcall(error, "", level)
        if at ~= "" and at:match("^(.-):%d+: $") ~= HERE then
            return at
        end
    end
    return ""
end

local function fail(name, message, ...)
    message = message:format(...)
    if tries > 0 then
        error({[0] = "thrown", value = {[0] = "map", error = name, message = message}}, 0)
    end
    error(place() .. message, 0)
end

local function mismatch(v, expected)
    fail("ErrorMismatchDataType", "data type incorrect: %s (expecting %s)", type_of(v), expected)
end

local function not_found(name, ...)
    local types = {}
    for i = 1, select("#", ...) do
        types[i] = type_of((select(i, ...)))
    end
    fail("ErrorFunctionNotFound", "function not found: %s (%s)", name, table.concat(types, ", "))
end

local function need_integer(v)
    if math_type(v) ~= "integer" then
        mismatch(v, "i64")
    end
    return v
end

local function need_string(v)
    if type(v) ~= "string" then
        mismatch(v, "string")
    end
    return v
end

local function need_bool(v)
    if v ~= true and v ~= false then
        mismatch(v, "bool")
    end
    return v
end

local function float_text(v)
    if v ~= v then
        return "NaN"
    elseif v == math.huge or v == -math.huge then
        return v > 0 and "inf" or "-inf"
    end
    for digits = 15, 17 do
        local text = ("%." .. digits .. "g"):format(v)
        if tonumber(text) == v then
            return text:find("[.e]") and text or text .. ".0"
        end
    end
end

local function quoted(text)
    return '"' .. text:gsub('[\\"\n\r\t]', {
        ["\\"] = "\\\\", ['"'] = '\\"', ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t",
    }) .. '"'
end

local function sorted_keys(map)
    local keys, n = {}, 0
    for key in next, map do
        if key ~= 0 then
            n = n + 1
            keys[n] = key
        end
    end
    table.sort(keys)
    return keys, n
end

local to_text

local function list_text(v, kind)
    local parts = {}
    if kind == "array" then
        for i = 1, v[0] do
            parts[i] = to_text(v[i], true)
        end
        return "[" .. table.concat(parts, ", ") .. "]"
    end
    local keys, n = sorted_keys(v)
    for i = 1, n do
        local value = v[keys[i]]
        parts[i] = quoted(keys[i]) .. ": " .. to_text(value ~= UNIT and value or nil, true)
    end
    return "#{" .. table.concat(parts, ", ") .. "}"
end

function to_text(v, is_nested)
    local kind = kind_of(v)
    if kind == "string" then
        return is_nested and quoted(v) or v
    elseif kind == "number" then
        return math_type(v) == "integer" and tostring(v) or float_text(v)
    elseif kind == "nil" then
        return is_nested and "()" or ""
    elseif kind == "array" or kind == "map" then
        return list_text(v, kind)
    elseif kind == "range" then
        return v[1] .. (v[3] and "..=" or "..") .. v[2]
    elseif kind == "fn" then
        return "Fn"
    end
    return tostring(v)
end

-- Arrays and maps are values: whoever keeps one keeps a copy.
local function copy(v)
    if type(v) ~= "table" then
        return v
    end
    local kind = kind_of(v)
    if kind ~= "array" and kind ~= "map" then
        return v
    end
    local new = {}
    for key, value in next, v do
        new[key] = type(value) == "table" and value ~= UNIT and copy(value) or value
    end
    return new
end

local equal

local function same_tables(a, b)
    local kind = kind_of(a)
    if kind ~= kind_of(b) or (kind ~= "array" and kind ~= "map" and kind ~= "range") then
        return a == b
    end
    for key, value in next, a do
        if not equal(value, b[key]) then
            return false
        end
    end
    for key in next, b do
        if a[key] == nil then
            return false
        end
    end
    return true
end

function equal(a, b)
    if type(a) ~= "table" or type(b) ~= "table" then
        return a == b
    end
    return rawequal(a, b) or same_tables(a, b)
end

local function array(items, n)
    items[0] = n
    return items
end

-- What leaves for the host is plain Lua.
local function plain(v)
    if type(v) ~= "table" then
        return v
    end
    local kind = kind_of(v)
    if kind == "array" or kind == "map" then
        local new = {}
        for key, value in next, v do
            if key ~= 0 and value ~= UNIT then
                new[key] = plain(value)
            end
        end
        return new
    elseif kind == "range" then
        return {start = v[1], ["end"] = v[2]}
    elseif kind == "fn" then
        return function(...)
            return (v.call(nil, ...))
        end
    end
    return v
end

local function invoke(f, this, ...)
    if type(f) == "function" then
        return (f(...))
    elseif kind_of(f) == "fn" then
        return (f.call(this, ...))
    end
    mismatch(f, "Fn")
end

R.copy, R.eq, R.bool = copy, equal, need_bool

function R.ne(a, b)
    return not equal(a, b)
end

function R.kept(v)
    if v == nil then
        return UNIT
    end
    return v
end

function R.default(a, b)
    if a == nil then
        return b
    end
    return a
end

function R.drop()
end

function R.this(self)
    if self == nil then
        fail("ErrorUnboundThis", "'this' is not bound: call the function as x.f()")
    end
    return self
end

function R.method(call, assigns)
    return {[0] = "fn", call = call, assigns = assigns}
end

function R.overload(functions)
    return function(...)
        local f = functions[select("#", ...)]
        if not f then
            not_found("Fn", ...)
        end
        return invoke(f, nil, ...)
    end
end

function R.global(G, name)
    local v = G[name]
    if v == nil then
        fail("ErrorVariableNotFound", "variable not found: %s", name)
    end
    return v
end

function R.text(...)
    local parts = {...}
    for i = 1, select("#", ...) do
        parts[i] = to_text(parts[i])
    end
    return table.concat(parts)
end

function R.join(n, parts)
    for i = 1, n do
        parts[i] = to_text(parts[i])
    end
    return table.concat(parts)
end

function R.throw(v)
    if tries > 0 then
        error({[0] = "thrown", value = v}, 0)
    end
    local text = kind_of(v) == "map" and type(v.message) == "string" and v.message or to_text(v)
    error(place() .. (text == "" and "runtime error" or "runtime error: " .. text), 0)
end

-- The limits of the host end the policy, not its try block.
local function is_limit(message)
    return message:find("not enough memory", 1, true) or message:find("time limit", 1, true) or
        message:find("stack overflow", 1, true)
end

function R.try(body)
    tries = tries + 1
    local ok, how, value = pcall(body)
    tries = tries - 1
    if ok then
        return true, how, value
    elseif type(how) == "table" and how[0] == "thrown" then
        return false, how.value
    elseif type(how) ~= "string" or is_limit(how) then
        error(how, 0)
    end
    local message = how:gsub("^[^\n]-:%d+: ", "")
    return false, {[0] = "map", error = "ErrorRuntime", message = message}
end

-- What the host calls: by position, answered in plain Lua.
function R.entry(f)
    return function(...)
        tries = 0
        return plain(invoke(f, nil, ...))
    end
end
