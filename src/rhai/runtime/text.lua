
-- Strings count in characters. What changes one gives back the new one.
local strings, string_changes = {}, {}

local function is_ascii(s)
    return not s:find("[\128-\255]")
end

local function length(s)
    return is_ascii(s) and #s or utf8.len(s) or #s
end

-- `count` characters from the one at `start`, which counts from 0.
local function slice(s, start, count)
    if count <= 0 then
        return ""
    elseif is_ascii(s) or not utf8.len(s) then
        return s:sub(start + 1, start + count)
    end
    local n = utf8.len(s)
    if start >= n then
        return ""
    end
    local last = start + count < n and utf8.offset(s, start + count + 1) - 1 or #s
    return s:sub(utf8.offset(s, start + 1), last)
end

local function characters(s)
    local list, n = {}, 0
    for c in s:gmatch(utf8.len(s) and utf8.charpattern or ".") do
        n = n + 1
        list[n] = c
    end
    return array(list, n)
end

-- Where a part of `len` things begins and how many it has: (start), (start, count) or a
-- range. A negative start counts from the end; what lies outside is cut off.
local function part(len, start, count)
    if kind_of(start) == "range" then
        local from, to = start[1], start[2] + (start[3] and 1 or 0)
        from = from < 0 and math.max(0, len + from) or from
        to = to < 0 and math.max(0, len + to) or to
        start, count = from, math.max(0, to - from)
    else
        start = need_integer(start)
        start = start < 0 and math.max(0, len + start) or start
        count = count == nil and len or need_integer(count)
    end
    start = math.min(start, len)
    return start, math.max(0, math.min(count, len - start))
end

local function position(len, i, what)
    local at = need_integer(i)
    if at < 0 then
        at = len + at
    end
    if at < 0 or at >= len then
        local holds = len == 0 and "is empty" or ("has only %d %s%s"):format(len,
            what == "string" and "character" or "item", len == 1 and "" or "s")
        fail(what == "string" and "ErrorStringBounds" or "ErrorArrayBounds",
            "%s index %d out of bounds: %s %s", what, i, what, holds)
    end
    return at
end

function strings.len(s)
    return length(s)
end

function strings.bytes(s)
    return #s
end

function strings.is_empty(s)
    return s == ""
end

function strings.contains(s, other)
    return s:find(need_string(other), 1, true) ~= nil
end

function strings.starts_with(s, other)
    return s:sub(1, #need_string(other)) == other
end

function strings.ends_with(s, other)
    return need_string(other) == "" or s:sub(-#other) == other
end

function strings.index_of(s, other, start)
    start = start == nil and 0 or part(length(s), start)
    local tail = slice(s, start, length(s))
    local at = tail:find(need_string(other), 1, true)
    return at and start + length(tail:sub(1, at - 1)) or -1
end

function strings.sub_string(s, start, count)
    return slice(s, part(length(s), start, count))
end

function strings.to_upper(s)
    return s:upper()
end

function strings.to_lower(s)
    return s:lower()
end

function strings.to_chars(s)
    return characters(s)
end

function strings.chars(s, start, count)
    return characters(start == nil and s or slice(s, part(length(s), start, count)))
end

function strings.get(s, i)
    local len = length(s)
    local at = need_integer(i) < 0 and len + i or i
    if at >= 0 and at < len then
        return slice(s, at, 1)
    end
end

local function pieces(s, separator, most)
    local list, n, from = {}, 0, 1
    while n + 1 < most do
        local at, to = s:find(separator, from, true)
        if not at then
            break
        end
        n = n + 1
        list[n] = s:sub(from, at - 1)
        from = to + 1
    end
    list[n + 1] = s:sub(from)
    return array(list, n + 1)
end

function strings.split(s, separator, most)
    if separator == nil then
        local list, n = {}, 0
        for word in s:gmatch("%S+") do
            n = n + 1
            list[n] = word
        end
        return array(list, n)
    elseif math_type(separator) == "integer" then
        local at = part(length(s), separator)
        return array({slice(s, 0, at), slice(s, at, length(s))}, 2)
    elseif need_string(separator) == "" then
        return characters(s)
    end
    return pieces(s, separator, most == nil and math.maxinteger or need_integer(most))
end

function strings.parse_int(s, base)
    local digits = s:match("^%s*([+-]?%w+)%s*$")
    base = base == nil and 10 or need_integer(base)
    local value = digits and base >= 2 and base <= 36 and tonumber(digits:gsub("^%+", ""), base)
    if base == 10 and value then
        value = math_type(tonumber(digits)) == "integer" and value or nil
    end
    if not value then
        fail("ErrorParsing", "error parsing integer number '%s'", s)
    end
    return value
end

function strings.parse_float(s)
    local value = s:match("^%s*[+-]?[%d.][%d.eE+-]*%s*$") and tonumber(s)
    if not value then
        fail("ErrorParsing", "error parsing floating-point number '%s'", s)
    end
    return value + 0.0
end

-- Each of these answers the new string, then the value of the call.
function string_changes.trim(s)
    return s:match("^%s*(.-)%s*$")
end

function string_changes.make_upper(s)
    return s:upper()
end

function string_changes.make_lower(s)
    return s:lower()
end

function string_changes.clear()
    return ""
end

function string_changes.append(s, other)
    return s .. to_text(other)
end

string_changes.push = string_changes.append

function string_changes.truncate(s, count)
    return slice(s, 0, need_integer(count))
end

function string_changes.crop(s, start, count)
    return slice(s, part(length(s), start, count))
end

function string_changes.pad(s, count, with)
    local missing = need_integer(count) - length(s)
    with = need_string(with)
    if missing <= 0 or with == "" then
        return s
    end
    return s .. slice(with:rep((missing + length(with) - 1) // length(with)), 0, missing)
end

function string_changes.pop(s, count)
    local keep = math.max(0, length(s) - (count == nil and 1 or need_integer(count)))
    local popped = slice(s, keep, length(s))
    if popped == "" and count == nil then
        return s, nil
    end
    return slice(s, 0, keep), popped
end

local function replaced(s, old, new)
    if old == "" then
        return s
    end
    return (s:gsub(old:gsub("%p", "%%%0"), (new:gsub("%%", "%%%%"))))
end

function string_changes.remove(s, other)
    return replaced(s, need_string(other), "")
end

function string_changes.replace(s, old, new)
    return replaced(s, need_string(old), need_string(new))
end

function string_changes.set(s, i, c)
    local at = position(length(s), i, "string")
    return slice(s, 0, at) .. need_string(c) .. slice(s, at + 1, length(s))
end
