
-- Maps: names in alphabetical order. A name that is there hides a method.
local maps, ranges = {}, {}

local function value_of(map, key)
    local value = map[key]
    if value ~= UNIT then
        return value
    end
end

local function each(map)
    local keys, n = sorted_keys(map)
    local i = 0
    return function()
        i = i + 1
        if i <= n then
            return keys[i], value_of(map, keys[i])
        end
    end
end

function maps.len(map)
    local _, n = sorted_keys(map)
    return n
end

function maps.is_empty(map)
    return maps.len(map) == 0
end

function maps.keys(map)
    local keys, n = sorted_keys(map)
    return array(keys, n)
end

function maps.values(map)
    local list = array({}, 0)
    for _, value in each(map) do
        arrays.push(list, copy(value))
    end
    return list
end

function maps.contains(map, key)
    return map[need_string(key)] ~= nil
end

function maps.get(map, key)
    return value_of(map, need_string(key))
end

function maps.set(map, key, value)
    map[need_string(key)] = R.kept(value)
end

function maps.remove(map, key)
    local value = value_of(map, need_string(key))
    map[key] = nil
    return value
end

function maps.clear(map)
    for key in next, map do
        if key ~= 0 then
            map[key] = nil
        end
    end
end

function maps.mixin(map, other)
    if kind_of(other) ~= "map" then
        mismatch(other, "map")
    end
    for key, value in next, copy(other) do
        map[key] = value
    end
end

function maps.fill_with(map, other)
    for key, value in next, copy(other) do
        if map[key] == nil then
            map[key] = value
        end
    end
end

local function select_entries(map, f, wanted)
    local chosen = {[0] = "map"}
    for key, value in each(map) do
        if need_bool(invoke(f, nil, key, value)) == wanted then
            chosen[key] = map[key]
        end
    end
    return chosen
end

local function take_out(map, taken)
    for key in next, taken do
        if key ~= 0 then
            map[key] = nil
        end
    end
    return taken
end

function maps.filter(map, f)
    return copy(select_entries(map, f, true))
end

function maps.drain(map, f)
    return take_out(map, select_entries(map, f, true))
end

function maps.retain(map, f)
    return take_out(map, select_entries(map, f, false))
end

function ranges.start(range)
    return range[1]
end

ranges["end"] = function(range)
    return range[2]
end

function ranges.is_inclusive(range)
    return range[3]
end

function ranges.is_exclusive(range)
    return not range[3]
end

function ranges.contains(range, v)
    return R.is_within(v, range[1], range[2], range[3])
end

function ranges.len(range)
    return math.max(0, range[2] - range[1] + (range[3] and 1 or 0))
end

function ranges.is_empty(range)
    return ranges.len(range) == 0
end
