
-- Properties and indexes. Lists of the host count from 1; here they count from 0.
local properties = {
    string = {len = strings.len, is_empty = strings.is_empty, bytes = strings.bytes},
    array = {len = arrays.len, is_empty = arrays.is_empty},
    range = ranges,
}

local function host_length(list)
    local ok, n = pcall(function()
        return #list
    end)
    return ok and math_type(n) == "integer" and n or nil
end

local function host_array(list, n)
    local items = {}
    for i = 1, n do
        items[i] = list[i]
    end
    return array(items, n)
end

function R.get(object, name)
    local kind = type(object)
    if kind == "userdata" then
        return object[name]
    end
    kind = kind_of(object)
    if kind == "map" then
        return value_of(object, name)
    elseif kind == "host" then
        return object[name]
    end
    local property = properties[kind] and properties[kind][name]
    if not property then
        fail("ErrorPropertyNotFound", "property not found: %s (of a value of type %s)", name,
            type_of(object))
    end
    return property(object)
end

local function unindexed(object, i)
    fail("ErrorIndexingType", "indexing is not supported: %s [%s]", type_of(object), type_of(i))
end

function R.index(object, i)
    local kind = kind_of(object)
    if kind == "array" then
        if kind_of(i) == "range" then
            return arrays.extract(object, i)
        end
        return object[position(object[0], i, "array") + 1]
    elseif kind == "map" then
        return value_of(object, need_string(i))
    elseif kind == "string" then
        if kind_of(i) == "range" then
            return strings.sub_string(object, i)
        end
        return slice(object, position(length(object), i, "string"), 1)
    elseif kind == "host" then
        if math_type(i) ~= "integer" then
            return object[need_string(i)]
        end
        return object[position(host_length(object) or unindexed(object, i), i, "array") + 1]
    end
    unindexed(object, i)
end

function R.set(object, name, value)
    local kind = kind_of(object)
    if kind == "map" then
        object[name] = R.kept(value)
    elseif kind == "host" then
        object[name] = plain(value)
    else
        fail("ErrorPropertyNotFound", "property not found: %s (of a value of type %s)", name,
            type_of(object))
    end
end

-- Answers what the variable that held `object` holds now: another one for a string.
function R.set_index(object, i, value)
    local kind = kind_of(object)
    if kind == "array" then
        object[position(object[0], i, "array") + 1] = value
    elseif kind == "string" then
        return (string_changes.set(object, i, value))
    elseif kind == "map" or kind == "host" then
        R.set(object, need_string(i), value)
    else
        unindexed(object, i)
    end
    return object
end

local function put(object, key, value, before)
    if not rawequal(value, before) then
        R.set_index(object, key, value)
    end
end

local function at(object, key)
    if type(key) == "string" then
        return R.get(object, key)
    end
    return R.index(object, key)
end

function R.set_at(object, key, i, value)
    local inner = at(object, key)
    put(object, key, R.set_index(inner, i, value), inner)
end

function R.update(object, name, operator, value)
    R.set(object, name, operator(R.get(object, name), value))
end

function R.update_index(object, i, operator, value)
    return R.set_index(object, i, operator(R.index(object, i), value))
end

function R.update_at(object, key, i, operator, value)
    R.set_at(object, key, i, operator(R.index(at(object, key), i), value))
end

local function range_items(range)
    local i, value, last = -1, range[1] - 1, range[2] - (range[3] and 0 or 1)
    return function()
        if value < last then
            i, value = i + 1, value + 1
            return i, value
        end
    end
end

local function step_items(range)
    local i, value = -1, range[1] - range[4]
    return function()
        i, value = i + 1, value + range[4]
        if range[4] > 0 and value < range[2] or range[4] < 0 and value > range[2] then
            return i, value
        end
    end
end

local function array_items(list)
    local n, i = list[0], -1
    local items = table.move(list, 1, n, 1, {})
    return function()
        i = i + 1
        if i < n then
            return i, copy(items[i + 1])
        end
    end
end

-- A counter from 0, and the items.
function R.iter(v)
    local kind = kind_of(v)
    if kind == "array" then
        return array_items(v)
    elseif kind == "range" then
        return v[4] and step_items(v) or range_items(v)
    elseif kind == "string" then
        return array_items(characters(v))
    elseif kind == "host" and host_length(v) then
        return array_items(host_array(v, host_length(v)))
    end
    fail("ErrorFor", "for loop expects an iterable type, not %s%s", type_of(v),
        kind == "map" and " (walk its .keys() or .values())" or "")
end

function R.is_in(item, container)
    local kind = kind_of(container)
    if kind == "array" then
        return arrays.contains(container, item)
    elseif kind == "map" then
        return type(item) == "string" and container[item] ~= nil
    elseif kind == "string" then
        return strings.contains(container, item)
    elseif kind == "range" then
        return ranges.contains(container, item)
    elseif kind == "host" then
        local n = host_length(container)
        if n then
            return arrays.contains(host_array(container, n), item)
        end
        return container[item] ~= nil
    end
    not_found("contains", container, item)
end
