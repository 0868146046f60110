
-- Arrays. Callbacks get an item and its index, and the item as `this`.
local arrays = {}

local function shifted(list, at, count)
    table.move(list, at + 1, list[0] + 1, at + count + 1)
    list[0] = list[0] + count
end

-- Takes `count` items out from `at` on, as an array.
local function cut(list, at, count)
    local n = list[0]
    local taken = array(table.move(list, at + 1, at + count, 1, {}), count)
    table.move(list, at + count + 1, n + count, at + 1)
    list[0] = n - count
    return taken
end

local function keep_if(list, test)
    local kept, taken = array({}, 0), array({}, 0)
    for i = 1, list[0] do
        local to = test(list[i], i - 1) and kept or taken
        to[0] = to[0] + 1
        to[to[0]] = list[i]
    end
    return kept, taken
end

local function become(list, other)
    local n = math.max(list[0], other[0])
    table.move(other, 1, n, 1, list)
    list[0] = other[0]
end

local function tester(f)
    return function(item, i)
        return need_bool(invoke(f, item, item, i))
    end
end

local function is_fn(v)
    return kind_of(v) == "fn"
end

function arrays.len(list)
    return list[0]
end

function arrays.is_empty(list)
    return list[0] == 0
end

function arrays.push(list, item)
    list[0] = list[0] + 1
    list[list[0]] = item
end

function arrays.append(list, other)
    if kind_of(other) ~= "array" then
        mismatch(other, "array")
    end
    table.move(copy(other), 1, other[0], list[0] + 1, list)
    list[0] = list[0] + other[0]
end

function arrays.pop(list)
    if list[0] > 0 then
        return cut(list, list[0] - 1, 1)[1]
    end
end

function arrays.shift(list)
    if list[0] > 0 then
        return cut(list, 0, 1)[1]
    end
end

function arrays.insert(list, at, item)
    local start = part(list[0], at)
    shifted(list, start, 1)
    list[start + 1] = item
end

function arrays.remove(list, at)
    local i = need_integer(at) < 0 and list[0] + at or at
    if i >= 0 and i < list[0] then
        return cut(list, i, 1)[1]
    end
end

function arrays.get(list, at)
    local i = need_integer(at) < 0 and list[0] + at or at
    if i >= 0 and i < list[0] then
        return list[i + 1]
    end
end

function arrays.set(list, at, item)
    list[position(list[0], at, "array") + 1] = item
end

function arrays.clear(list)
    cut(list, 0, list[0])
end

function arrays.truncate(list, count)
    local keep = math.min(list[0], math.max(0, need_integer(count)))
    cut(list, keep, list[0] - keep)
end

function arrays.chop(list, count)
    local keep = math.min(list[0], math.max(0, need_integer(count)))
    cut(list, 0, list[0] - keep)
end

function arrays.pad(list, count, item)
    while list[0] < need_integer(count) do
        arrays.push(list, copy(item))
    end
end

function arrays.extract(list, start, count)
    local at, n = part(list[0], start, count)
    return copy(array(table.move(list, at + 1, at + n, 1, {}), n))
end

function arrays.splice(list, start, count, other)
    if kind_of(start) == "range" then
        count, other = nil, count
    end
    local at, n = part(list[0], start, count)
    cut(list, at, n)
    shifted(list, at, other[0])
    table.move(other, 1, other[0], at + 1, list)
end

function arrays.split(list, at)
    local start = part(list[0], at)
    return cut(list, start, list[0] - start)
end

function arrays.drain(list, start, count)
    if is_fn(start) then
        local taken, kept = keep_if(list, tester(start))
        become(list, kept)
        return taken
    end
    return cut(list, part(list[0], start, count))
end

function arrays.retain(list, start, count)
    local kept, taken
    if is_fn(start) then
        kept, taken = keep_if(list, tester(start))
    else
        local at, n = part(list[0], start, count)
        kept, taken = keep_if(list, function(_, i)
            return i >= at and i < at + n
        end)
    end
    become(list, kept)
    return taken
end

function arrays.reverse(list)
    local n = list[0]
    for i = 1, n // 2 do
        list[i], list[n + 1 - i] = list[n + 1 - i], list[i]
    end
end

function arrays.contains(list, item)
    for i = 1, list[0] do
        if equal(list[i], item) then
            return true
        end
    end
    return false
end

function arrays.index_of(list, what, start)
    local test = is_fn(what) and tester(what)
    for i = (start == nil and 0 or part(list[0], start)) + 1, list[0] do
        if test and test(list[i], i - 1) or not test and equal(list[i], what) then
            return i - 1
        end
    end
    return -1
end

function arrays.filter(list, f)
    return copy((keep_if(list, tester(f))))
end

function arrays.map(list, f)
    local new = array({}, list[0])
    for i = 1, list[0] do
        new[i] = copy(invoke(f, list[i], list[i], i - 1))
    end
    return new
end

function arrays.for_each(list, f)
    for i = 1, list[0] do
        invoke(f, list[i], list[i], i - 1)
    end
end

local function start_value(init)
    if is_fn(init) then
        return invoke(init)
    end
    return init
end

function arrays.reduce(list, f, init)
    local result = start_value(init)
    for i = 1, list[0] do
        result = invoke(f, nil, result, list[i], i - 1)
    end
    return result
end

function arrays.reduce_rev(list, f, init)
    local result = start_value(init)
    for i = list[0], 1, -1 do
        result = invoke(f, nil, result, list[i], i - 1)
    end
    return result
end

function arrays.find(list, f)
    local at = arrays.index_of(list, f)
    if at >= 0 then
        return copy(list[at + 1])
    end
end

function arrays.find_map(list, f)
    for i = 1, list[0] do
        local found = invoke(f, list[i], list[i], i - 1)
        if found ~= nil then
            return found
        end
    end
end

function arrays.some(list, f)
    return arrays.index_of(list, f) >= 0
end

arrays.any = arrays.some

function arrays.all(list, f)
    local test = tester(f)
    for i = 1, list[0] do
        if not test(list[i], i - 1) then
            return false
        end
    end
    return true
end

function arrays.first(list)
    return copy(list[1])
end

function arrays.last(list)
    return copy(list[list[0] > 0 and list[0] or 1])
end

function arrays.take(list, count)
    return arrays.extract(list, 0, count)
end

-- By what `f` makes of an item; the earlier of equals.
local function best(list, f, is_better)
    local found, value
    for i = 1, list[0] do
        local v = invoke(f, list[i], list[i], i - 1)
        if not is_ordered(v, v) then
            mismatch(v, "number or string")
        end
        if value == nil or is_better(v, value) then
            found, value = list[i], v
        end
    end
    return copy(found)
end

function arrays.min_by(list, f)
    return best(list, f, R.lt)
end

function arrays.max_by(list, f)
    return best(list, f, R.gt)
end

function arrays.sum(list, f)
    local total = 0
    for i = 1, list[0] do
        total = R.add(total, f == nil and list[i] or invoke(f, list[i], list[i], i - 1))
    end
    return total
end

-- Merges runs of doubled length: stable, whatever the comparison answers.
local function merge_sort(list, is_after)
    local n, width, from, to = list[0], 1, list, {}
    while width < n do
        for low = 1, n, 2 * width do
            local middle, high = math.min(low + width, n + 1), math.min(low + 2 * width, n + 1)
            local a, b = low, middle
            for i = low, high - 1 do
                if a < middle and (b >= high or not is_after(from[a], from[b])) then
                    to[i], a = from[a], a + 1
                else
                    to[i], b = from[b], b + 1
                end
            end
        end
        from, to, width = to, from, 2 * width
    end
    if from ~= list then
        table.move(from, 1, n, 1, list)
    end
end

local function sort_natural(list)
    for i = 1, list[0] do
        if not is_ordered(list[i], list[1]) then
            mismatch(list[i], list[0] > 0 and is_ordered(list[1], list[1]) and type_of(list[1])
                or "number or string")
        end
    end
    merge_sort(list, R.gt)
end

-- `f` says of two items which comes first: a negative number or true for the first.
function arrays.sort(list, f)
    if f == nil then
        sort_natural(list)
        return
    end
    merge_sort(list, function(a, b)
        local order = invoke(f, nil, b, a)
        if order == true or order == false then
            return order
        end
        return need_integer(order) < 0
    end)
end

function arrays.sort_by(list, f)
    local new = copy(list)
    merge_sort(new, function(a, b)
        return R.gt(invoke(f, a, a), invoke(f, b, b))
    end)
    return new
end

function arrays.dedup(list, f)
    local kept = array({}, 0)
    for i = 1, list[0] do
        local before = kept[kept[0]]
        local is_same
        if kept[0] > 0 and f ~= nil then
            is_same = need_bool(invoke(f, nil, list[i], before))
        else
            is_same = kept[0] > 0 and equal(list[i], before)
        end
        if not is_same then
            arrays.push(kept, list[i])
        end
    end
    become(list, kept)
end
