-- Compiled from Rhai: change that text, not this one.
local R, G, F, C = rhai, _ENV, {}, {}

F.schedule_1 = function(context)
    local ids = {[0] = 0}
    for i, job in R.iter(R.get(context, "queue")) do
        do
            if R.ge(i, C.LIMIT) then
                break
            end
            local size
            do
                local _1 = R.get(job, "prompt_tokens")
                if R.is_same(_1, 0) then
                    size = "none"
                elseif R.is_within(_1, 1, 100, false) and (R.get(job, "priority") == "interactive") then
                    size = "small"
                else
                    size = "large"
                end
            end
            if size == "none" then
                goto continue
            end
            ids = R.mutate(ids, "push", nil, R.text(R.get(job, "id"), ":", size))
        end
        ::continue::
    end
    local first
    do
        local _2 = R.get(context, "workers")
        if _2 ~= nil then
            local _3 = R.call(_2, "first")
            if _3 ~= nil then
                _3 = R.get(_3, "id")
            end
            _2 = _3
        end
        local _4 = _2
        if _4 == nil then
            local _5
            do
                _5 = "nobody"
            end
            _4 = _5
        end
        first = _4
    end
    do
        local _6, _7, _8 = R.try(function()
            R.mutate_at(ids, 0, "make_upper", nil)
        end)
        if not _6 then
            local e = _7
            return nil
        end
    end
    return {[0] = "map", action = "wait", reason = R.kept(R.add(first, R.call(ids, "len")))}
end

G.schedule = R.entry(F.schedule_1)

local LIMIT = 5
C.LIMIT = LIMIT
