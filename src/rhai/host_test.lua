-- Workers enough to tell one choice from another, as objects of the host.
local set

function set(name, list)
    local members = {}

    function members.filter(f)
        local found = {}
        for _, item in ipairs(list) do
            if f(item) then
                found[#found + 1] = item
            end
        end
        return set(name, found)
    end

    local function best(f, is_better)
        local found, value
        for _, item in ipairs(list) do
            local v = type(f) == "string" and item[f] or f(item)
            if value == nil or is_better(v, value) then
                found, value = item, v
            end
        end
        return found
    end

    function members.min_by(f)
        return best(f, function(a, b) return a < b end)
    end

    function members.max_by(f)
        return best(f, function(a, b) return a > b end)
    end

    function members.least_loaded()
        return members.min_by("cpu_pct")
    end

    function members.idle()
        return members.filter(function(w) return w.status == "ready" end)
    end

    function members.with_model(model)
        return members.filter(function(w) return w.model == model end)
    end

    function members.with_capacity(mb)
        return members.filter(function(w) return w.total_vram_mb - w.vram_mb >= mb end)
    end

    function members.first()
        return list[1]
    end

    function members.is_empty()
        return #list == 0
    end

    function members.len()
        return #list
    end

    local items = {}
    table.move(list, 1, #list, 1, items)
    return fake(name, setmetatable(items, {__index = members}))
end

local function worker(id, members)
    members.id = id
    members.geo = fake("geo", members.geo)
    members.labels = fake("labels", {rack = "r-" .. id})
    return fake("worker", members)
end

local all = {
    worker("w1", {status = "busy", model = "llama-70b", gpus = 1, total_vram_mb = 24000, vram_mb = 20000,
        backend = "cuda", capability = "text-gen", cpu_pct = 10.0, cost_per_token = 3, estimated_time = 900,
        geo = {region = "EU", latitude = 52.0, longitude = 4.0}}),
    worker("w2", {status = "ready", model = "llama-8b", gpus = 2, total_vram_mb = 80000, vram_mb = 100,
        backend = "cuda", capability = "image-gen", cpu_pct = 50.0, cost_per_token = 9, estimated_time = 100,
        geo = {region = "US", latitude = 40.0, longitude = -74.0}}),
    worker("w3", {status = "ready", model = "llama-8b", gpus = 1, total_vram_mb = 16000, vram_mb = 0,
        backend = "cpu", capability = "text-gen", cpu_pct = 20.0, cost_per_token = 1, estimated_time = 5000,
        geo = {region = "EU", latitude = 48.0, longitude = 2.0}}),
    worker("w4", {status = "ready", model = "llama-8b", gpus = 1, total_vram_mb = 16000, vram_mb = 15000,
        backend = "cuda", capability = "image-gen", cpu_pct = 5.0, cost_per_token = 5, estimated_time = 50,
        geo = {region = "US", latitude = 37.0, longitude = -122.0}}),
}
workers = set("workers", all)
pools = set("pools", {})

job = {model = "llama-8b", type = "text-gen", priority = "batch", tenant_id = "t1", deadline = 1000,
    user = {geo = {latitude = 49.0, longitude = 3.0}}}

function as_job(members)
    local copy = {}
    for key, value in pairs(job) do
        copy[key] = value
    end
    for key, value in pairs(members) do
        copy[key] = value
    end
    copy.user = fake("user", {geo = fake("geo", copy.user.geo)})
    return fake("job", copy)
end

change_job = {}
tenant_full = false
logged = {}
log = {info = function(text) logged[#logged + 1] = text end}
helpers = fake("helpers", {twice = function(x) return 2 * x end})

function logs()
    return fake("logs", logged)
end

function reject(code, status)
    return {action = "reject", code = code, status = status}
end

function tenant_over_quota(id)
    return id == "t1" and tenant_full
end

function distance(a, b, c, d)
    return math.sqrt((a - c) ^ 2 + (b - d) ^ 2)
end

function kind_of_argument(v)
    return type(v) == "table" and (v[0] == nil and #v .. " items" or "not plain") or type(v)
end

function give_list()
    return {"a", "b"}
end

function will_fail()
    error("the host says no")
end

local answer_text

function answer_text(v)
    if type(v) == "userdata" then
        return v.id
    elseif type(v) == "table" then
        local parts = {}
        for key, value in pairs(v) do
            parts[#parts + 1] = tostring(key) .. "=" .. answer_text(value)
        end
        table.sort(parts)
        return "{" .. table.concat(parts, " ") .. "}"
    end
    return tostring(v)
end

function call_entry(name)
    return answer_text(_ENV[name](as_job(change_job), pools, workers))
end
