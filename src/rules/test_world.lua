-- The policy API of plain tables, as far as compiled rules call it: what behaviour_test.c
-- runs them against. Sets answer to dots, as the real ones do.

local Set = {}

local function set(list)
  return setmetatable(list, {
    __index = function(self, name)
      local method = Set[name]
      return method and function(...) return method(self, ...) end
    end,
  })
end

local function key(by)
  return type(by) == "function" and by or function(item) return item[by] end
end

local function keep(list, test)
  local kept = {}
  for _, item in ipairs(list) do
    if test(item) then kept[#kept + 1] = item end
  end
  return set(kept)
end

local function best(list, better)
  local found
  for _, item in ipairs(list) do
    if not found or better(item, found) then found = item end
  end
  return found
end

function Set.eligible(self, job)
  assert(job and job.id, "eligible() without a job")
  return keep(self, function(w)
    return w.model_ref == job.model_ref and w.status == "ready" and w.active == 0
  end)
end
function Set.filter(self, test) return keep(self, test) end
function Set.any(self, test) return #keep(self, test) > 0 end
function Set.first(self) return self[1] end
function Set.last(self) return self[#self] end
function Set.find(self, id) return keep(self, function(item) return item.id == id end)[1] end
function Set.idle(self) return keep(self, function(w) return w.active == 0 end) end
function Set.take(self, n) return set({ table.unpack(self, 1, n) }) end
function Set.with_model(self, ref) return keep(self, function(w) return w.model_ref == ref end) end
function Set.in_region(self, r) return keep(self, function(w) return w.geo.region == r end) end
function Set.with_capacity(self, mb) return keep(self, function(w) return w.vram_free_mb >= mb end) end
function Set.with_label(self, k, v) return keep(self, function(w) return w.labels[k] == v end) end
function Set.min_by(self, by)
  return best(self, function(a, b) return key(by)(a) < key(by)(b) end)
end
function Set.max_by(self, by)
  return best(self, function(a, b) return key(by)(a) > key(by)(b) end)
end
function Set.sort_by(self, by)
  local sorted = set({ table.unpack(self) })
  table.sort(sorted, function(a, b) return key(by)(a) < key(by)(b) end)
  return sorted
end
function Set.least_loaded(self) return Set.min_by(self, "load") end
function Set.most_vram_free(self) return Set.max_by(self, "vram_free_mb") end
function Set.warmest(self, job) assert(job.id) return self[#self] end

local function with_defaults(defaults, row)
  for name, value in pairs(defaults) do
    if row[name] == nil then row[name] = value end
  end
  return row
end

function worker(row)
  return with_defaults({ model_ref = "m", status = "ready", active = 0, load = 0, gpus = 1,
    pool_id = "home", vram_free_mb = 0, cost_per_token = 1, labels = {}, geo = {} }, row)
end

function job(row)
  return with_defaults({ model_ref = "m", type = "text-gen", priority = "interactive",
    labels = {}, created_at_ms = 0, wait_ms = 0, user = { geo = {} } }, row)
end

local pools = { home = { id = "home", status = "healthy" }, far = { id = "far", status = "offline" } }

logged = ""
log = { info = function(text) logged = logged .. text .. "\n" end }
function estimate_job_duration(each, w) return each.prompt_tokens * w.ms_per_token end
function get_pool(id) return pools[id] end
function find_worker_to_evict(kind) return { id = "the " .. kind .. " one" } end
function reject(code, status) return { action = "reject", code = code, status = status } end
function wait(reason, ms) return { action = "wait", reason = reason, retry_after_ms = ms } end

-- The clock in the tests is UTC.
function local_time(now_ms)
  local minutes = now_ms // 60000
  return { hour = minutes // 60 % 24, minute = minutes % 60, weekday = (minutes // 1440 + 4) % 7 }
end

platform = {
  schedule = function() return { action = "platform" } end,
  schedule_job = function(each) return { id = "platform's for " .. each.id } end,
}

-- One line for a decision, or for the worker that schedule_job() answered.
local function describe(answer)
  if answer == nil then return "nil" end
  if not answer.action then return "worker " .. answer.id end
  local words = { answer.action }
  for _, name in ipairs({ "job_id", "worker_id", "code", "status", "reason", "retry_after_ms" }) do
    if answer[name] then words[#words + 1] = tostring(answer[name]) end
  end
  local start = answer.start_worker
  if start then
    words[#words + 1] = table.concat({ start.model_ref, start.pool_id or "-",
      tostring(start.gpu_id or "-") }, " ")
  end
  return table.concat(words, " ")
end

-- `world`: { queue, workers, tenants, metrics, now_ms }.
function ask(world)
  logged = ""
  context = with_defaults({ queue = {}, workers = {}, tenants = {}, metrics = {}, now_ms = 0 }, world)
  set(context.queue)
  set(context.workers)
  set(context.tenants)
  if schedule then return describe(schedule(context)) end
  return describe(schedule_job(context.queue[1], set({}), context.workers))
end
