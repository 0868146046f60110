
-- Numbers: i64 is checked, and meets f64 as f64.
local numbers = {}

local function overflow(what, a, sign, b)
    fail("ErrorArithmetic", "%s: %s %s %s", what, to_text(a), sign, to_text(b))
end

local function is_number(a, b)
    return type(a) == "number" and type(b) == "number"
end

local function is_integer(a, b)
    return math_type(a) == "integer" and math_type(b) == "integer"
end

local function add_others(a, b)
    local ka, kb = kind_of(a), kind_of(b)
    if ka == "string" or kb == "string" then
        return to_text(a) .. to_text(b)
    elseif ka == "array" and kb == "array" then
        local new = copy(a)
        table.move(copy(b), 1, b[0], a[0] + 1, new)
        return array(new, a[0] + b[0])
    elseif ka == "map" and kb == "map" then
        local new = copy(a)
        for key, value in next, copy(b) do
            new[key] = value
        end
        return new
    end
    not_found("+", a, b)
end

function R.add(a, b)
    if is_integer(a, b) then
        local sum = a + b
        if (a ~ sum) & (b ~ sum) < 0 then
            overflow("addition overflow", a, "+", b)
        end
        return sum
    elseif is_number(a, b) then
        return a + b
    end
    return add_others(a, b)
end

-- x += y, which for an array also takes an item.
function R.append(a, b)
    if kind_of(a) == "array" and kind_of(b) ~= "array" then
        local new = copy(a)
        new[a[0] + 1] = b
        return array(new, a[0] + 1)
    end
    return R.add(a, b)
end

function R.sub(a, b)
    if is_integer(a, b) then
        local difference = a - b
        if (a ~ b) & (a ~ difference) < 0 then
            overflow("subtraction overflow", a, "-", b)
        end
        return difference
    elseif is_number(a, b) then
        return a - b
    elseif type(a) == "string" and type(b) == "string" then
        return (R.mutate(a, "remove", nil, b))
    end
    not_found("-", a, b)
end

local SAFE = 3037000499 -- the square root of the largest i64

local function product(a, b)
    local result = a * b
    if (a <= SAFE and a >= -SAFE and b <= SAFE and b >= -SAFE) or a == 0 or b == 0 then
        return result
    end
    local is_least = (a == -1 and b == math.mininteger) or (b == -1 and a == math.mininteger)
    if not is_least and result // b == a and result % b == 0 then
        return result
    end
end

function R.mul(a, b)
    if is_integer(a, b) then
        return product(a, b) or overflow("multiplication overflow", a, "*", b)
    elseif is_number(a, b) then
        return a * b
    end
    not_found("*", a, b)
end

function R.div(a, b)
    if is_integer(a, b) then
        if b == 0 then
            overflow("division by zero", a, "/", b)
        elseif b == -1 then
            if a == math.mininteger then
                overflow("division overflow", a, "/", b)
            end
            return -a
        end
        local quotient = a // b
        return quotient < 0 and quotient * b ~= a and quotient + 1 or quotient
    elseif is_number(a, b) then
        return a / b
    end
    not_found("/", a, b)
end

function R.mod(a, b)
    if is_integer(a, b) then
        if b == 0 then
            overflow("modulo division by zero", a, "%", b)
        end
        return math.fmod(a, b)
    elseif is_number(a, b) then
        return math.fmod(a + 0.0, b + 0.0)
    end
    not_found("%", a, b)
end

local function integer_power(a, b)
    local result, base, left = 1, a, b
    if b < 0 then
        overflow("integer raised to a negative power", a, "**", b)
    end
    while left > 0 do
        if left & 1 == 1 then
            result = product(result, base)
        end
        left = left >> 1
        base = left == 0 and base or product(base, base)
        if not result or not base then
            overflow("exponential overflow", a, "**", b)
        end
    end
    return result
end

function R.pow(a, b)
    if is_integer(a, b) then
        return integer_power(a, b)
    elseif is_number(a, b) then
        return a ^ b
    end
    not_found("**", a, b)
end

function R.neg(a)
    if math_type(a) == "integer" then
        if a == math.mininteger then
            fail("ErrorArithmetic", "negation overflow: -%d", a)
        end
        return -a
    elseif type(a) == "number" then
        return -a
    end
    not_found("-", a)
end

function R.plus(a)
    if type(a) ~= "number" then
        not_found("+", a)
    end
    return a
end

local function shift(a, b, name)
    if not is_integer(a, b) then
        not_found(name, a, b)
    end
    if name == ">>" then
        b = -b
    end
    if b >= 64 then
        fail("ErrorArithmetic", "left-shift by too many bits: %d << %d", a, b)
    elseif b >= 0 then
        return a << b
    end
    return a // (1 << (b > -63 and -b or 62)) // (b > -63 and 1 or 2)
end

function R.shl(a, b)
    return shift(a, b, "<<")
end

function R.shr(a, b)
    return shift(a, b, ">>")
end

local function is_bool(a, b)
    return type(a) == "boolean" and type(b) == "boolean"
end

function R.band(a, b)
    if is_integer(a, b) then
        return a & b
    end
    return is_bool(a, b) and (a and b) or not is_bool(a, b) and not_found("&", a, b)
end

function R.bor(a, b)
    if is_integer(a, b) then
        return a | b
    end
    return is_bool(a, b) and (a or b) or not is_bool(a, b) and not_found("|", a, b)
end

function R.bxor(a, b)
    if is_integer(a, b) then
        return a ~ b
    end
    return is_bool(a, b) and a ~= b or not is_bool(a, b) and not_found("^", a, b)
end

-- Values of different types have no order, and so are neither less nor greater.
local function is_ordered(a, b)
    local kind = type(a)
    return kind == type(b) and (kind == "number" or kind == "string")
end

function R.lt(a, b)
    return is_ordered(a, b) and a < b
end

function R.le(a, b)
    return is_ordered(a, b) and a <= b
end

function R.gt(a, b)
    return is_ordered(a, b) and a > b
end

function R.ge(a, b)
    return is_ordered(a, b) and a >= b
end

function R.range(a, b)
    return {[0] = "range", need_integer(a), need_integer(b), false}
end

function R.range_inclusive(a, b)
    return {[0] = "range", need_integer(a), need_integer(b), true}
end

-- Cases of switch: of one type, and within a range.
function R.is_same(v, literal)
    return v == literal and math_type(v) == math_type(literal)
end

function R.is_within(v, from, to, is_inclusive)
    return type(v) == "number" and v >= from and (v < to or is_inclusive and v == to)
end

local function to_int(v)
    if math_type(v) == "integer" then
        return v
    end
    local whole = v >= 0 and math.floor(v) or math.ceil(v)
    if math_type(whole) ~= "integer" then
        fail("ErrorArithmetic", "integer overflow: to_int(%s)", to_text(v))
    end
    return whole
end

local function rounded(v, digits)
    local scale = 10.0 ^ (digits or 0)
    local scaled = v * scale
    local whole = scaled >= 0 and math.floor(scaled + 0.5) or math.ceil(scaled - 0.5)
    return (whole + 0.0) / scale
end

-- What becomes a float whatever it was.
for name, f in pairs({
    sqrt = math.sqrt, exp = math.exp, ln = math.log, sin = math.sin, cos = math.cos,
    tan = math.tan, asin = math.asin, acos = math.acos, atan = math.atan,
    to_degrees = math.deg, to_radians = math.rad,
}) do
    numbers[name] = function(v)
        return f(v)
    end
end

-- What leaves an integer alone.
for name, f in pairs({
    floor = function(v) return math.floor(v) + 0.0 end,
    ceiling = function(v) return math.ceil(v) + 0.0 end,
    int = function(v) return (v >= 0 and math.floor(v) or math.ceil(v)) + 0.0 end,
    round = rounded,
}) do
    numbers[name] = function(v, digits)
        if math_type(v) == "integer" or v ~= v or v == math.huge or v == -math.huge then
            return v
        end
        return f(v, digits)
    end
end

numbers.to_int = to_int

function numbers.to_float(v)
    return v + 0.0
end

function numbers.fraction(v)
    return math_type(v) == "integer" and 0 or math.fmod(v, 1.0)
end

function numbers.abs(v)
    if v == math.mininteger and math_type(v) == "integer" then
        fail("ErrorArithmetic", "negation overflow: -%d", v)
    end
    return math.abs(v)
end

function numbers.sign(v)
    return v > 0 and 1 or v < 0 and -1 or 0
end

function numbers.log(v, base)
    return math.log(v, base or 10)
end

function numbers.hypot(v, other)
    return math.sqrt(v * v + other * other)
end

function numbers.is_zero(v)
    return v == 0
end

function numbers.is_even(v)
    return need_integer(v) % 2 == 0
end

function numbers.is_odd(v)
    return need_integer(v) % 2 == 1
end

function numbers.is_nan(v)
    return v ~= v
end

function numbers.is_infinite(v)
    return v == math.huge or v == -math.huge
end

function numbers.is_finite(v)
    return v == v and v ~= math.huge and v ~= -math.huge
end

local function based(v, shift_by, mask)
    local digits, left = {}, need_integer(v)
    repeat
        table.insert(digits, 1, ("0123456789abcdef"):sub((left & mask) + 1, (left & mask) + 1))
        left = left >> shift_by
    until left == 0
    return table.concat(digits)
end

function numbers.to_hex(v)
    return based(v, 4, 15)
end

function numbers.to_octal(v)
    return based(v, 3, 7)
end

function numbers.to_binary(v)
    return based(v, 1, 1)
end

function numbers.clamp(v, least, most)
    return v < least and least or v > most and most or v
end
