-- @name platform
-- @version 1.0.0
-- @description The built-in policy: LMETRIC placement with prefix affinity, starts, evictions and shedding.
--
-- What the core has done before it asks: let the job in, put it into its band
-- (interactive before batch, with a reserved share), chosen its tenant by fair share
-- (weighted VTC), ordered that tenant's jobs by deadline and arrival. What is left to
-- decide is where this one job goes now: admit, filter, score, pick, or wait, start, evict.
--
-- Read it, copy it, change it: `rbee policy show platform > mine.lua`. In platform mode
-- it is what runs, and nothing else.

-- Every knob: `queen-rbee --set NAME=VALUE` overrides one.
local defaults = {
  -- Admission.
  admit_deadlines = true,          -- refuse at once what cannot be in time
  shed_saturation = 0.95,          -- batch jobs may be shed beyond this saturation ...
  shed_factor = 0,                 -- ... with probability min(1, factor * saturation ^ power); 0: never
  shed_power = 5,

  -- Choice among the workers that could run the job now.
  choice = "lmetric",              -- lmetric | power_of_two | least_loaded | warmest | random
  explore_pct = 1,                 -- share of jobs that go to a random one of them
  keep_seeded_on_one_build = true, -- a seed promises the same answer only from the same build

  -- Starting workers.
  start = true,
  start_wait_factor = 1,           -- one more worker when waiting costs more than this many loads
  load_mb_per_s = 1000,            -- what loading costs where none was measured yet
  load_init_ms = 2000,
  scale_out_jobs_per_slot = 4,     -- one more worker only beyond this backlog
  workers_per_model_max = 8,
  starts_per_look = 2,

  -- Evicting workers.
  evict = true,
  eviction = "gdsf",               -- gdsf | lru | lfu | ttl
  min_residency_ms = 30000,        -- a worker stays at least this long ...
  residency_loads = 3,             -- ... and this many load times
  overdue_ms = 60000,              -- a job that waited this long may push out a model that is wanted
  idle_ttl_ms = 0,                 -- evict what was idle this long; 0: never
}

-- How each choice picks one of a set of workers.
local choices = {
  lmetric = function(set, job) return set:lmetric(job) end,
  power_of_two = function(set) return set:power_of_two() end,
  least_loaded = function(set) return set:least_loaded() end,
  warmest = function(set, job) return set:warmest(job) end,
  random = function(set) return set:random() end,
}

local config, choose

-- Settings are there from the first call on.
local function prepare()
  config = {}
  for name, default in pairs(defaults) do
    config[name] = setting(name, default)
  end
  choose = choices[config.choice] or choices.lmetric
end

-- ---- Admission: told at once, not after a wait in vain -------------------------------

local function refuse(job, context_metrics)
  if job.wait_ms > 0 or job.retry_count > 0 then
    return nil
  end
  if config.admit_deadlines and job.deadline_ms then
    local wait_ms = helpers.calculate_wait_time(job.id)
    if wait_ms and wait_ms > job.deadline_ms then
      return reject("deadline_exceeded", 504)
    end
  end
  if config.shed_factor > 0 and job.priority == "batch" then
    local saturation = context_metrics.saturation
    local probability = config.shed_factor * saturation ^ config.shed_power
    if saturation >= config.shed_saturation and math.random() < probability then
      return reject("overloaded", 503)
    end
  end
  return nil
end

-- ---- Placing: filter, score, pick --------------------------------------------------------

-- A seed promises the same answer only from the same build of the same model.
local function prefer_one_build(job, eligible, workers)
  if not job.seed or not config.keep_seeded_on_one_build then
    return eligible
  end
  local kept = workers.with_model(job.model_ref).one_build().eligible(job)
  if kept.is_empty() then
    return eligible
  end
  return kept
end

local function place(job, workers)
  local eligible = workers.eligible(job)
  if eligible.is_empty() then
    return nil
  end
  local set = prefer_one_build(job, eligible, workers)
  if config.explore_pct > 0 and math.random() * 100 < config.explore_pct then
    return set:random()
  end
  return choose(set, job)
end

-- ---- Starting and evicting: when waiting costs more than loading --------------------------

local function load_ms(model, pool)
  local known = model.load_time_ms[pool.id]
  if known then
    return known
  end
  return config.load_init_ms + (model.size_bytes or 0) / (config.load_mb_per_s * 1000)
end

-- The pools that list this model, or do not say what they have.
local function pools_with(model, pools)
  return pools.filter(function(pool)
    return pool.status == "healthy" and pool.has_model(model.ref)
  end)
end

-- Where it would be ready first, among those with memory for it.
local function roomiest(model, pools)
  local need_mb = model.vram_required_mb or 0
  local fitting = pools.filter(function(pool) return pool.free_mb >= need_mb end)
  return fitting.min_by(function(pool) return load_ms(model, pool) end)
end

-- Who may go so that this model can come: nobody whose own model is waited for, unless the
-- job has waited too long already; nobody who has only just come.
local function victim(model, pool, job)
  local residency_ms = math.max(config.min_residency_ms, config.residency_loads * load_ms(model, pool))
  local overdue = job and job.wait_ms >= config.overdue_ms
  local idle = pool.workers.filter(function(worker)
    if worker.model_ref == model.ref or worker.residency_ms < residency_ms then
      return false
    end
    local own = get_model(worker.model_ref)
    return overdue or not own or own.queued == 0
  end)
  return idle.to_evict(config.eviction)
end

local function make_room(model, pools, job)
  if not config.evict then
    return nil
  end
  for _, pool in ipairs(pools) do
    local worker = victim(model, pool, job)
    if worker then
      return {
        action = "evict",
        worker_id = worker.id,
        reason = "room for " .. model.ref,
      }
    end
  end
  return nil
end

-- What would bring one more worker of this model; nil: nothing would, or nothing should.
local function grow(model, pools, job, reason)
  if not config.start or model.starting > 0 or #model.loaded_on >= config.workers_per_model_max then
    return nil
  end
  local having = pools_with(model, pools)
  local pool = roomiest(model, having)
  if pool then
    return {
      action = "start_worker",
      start_worker = { model_ref = model.ref, pool_id = pool.id },
      reason = reason,
    }
  end
  return make_room(model, having, job)
end

-- No worker has room for this job: is it worth one more?
local function grow_for(job, pools, workers)
  local model = get_model(job.model_ref)
  if not model or job.pinned_worker_id then
    return nil
  end
  if job.pinned_pool_id then
    pools = pools.filter(function(pool) return pool.id == job.pinned_pool_id end)
  end
  local holders = workers.with_model(job.model_ref)
  if holders.is_empty() then
    return grow(model, pools, job, "nobody has " .. model.ref)
  end
  local slots = holders.sum("slots")
  if model.queued < config.scale_out_jobs_per_slot * slots then
    return nil
  end
  local wait_ms = helpers.calculate_wait_time(job.id)
  local first = pools_with(model, pools):first()
  if wait_ms and first and wait_ms > config.start_wait_factor * load_ms(model, first) then
    return grow(model, pools, job, "a backlog of " .. model.queued)
  end
  return nil
end

-- ---- Entry points ------------------------------------------------------------------------

-- About one job, in the core's order.
function schedule_job(job, pools, workers)
  if not config then prepare() end
  local refusal = refuse(job, metrics())
  if refusal then
    return refusal
  end
  local worker = place(job, workers)
  if worker then
    return worker
  end
  return grow_for(job, pools, workers)
end

-- About the whole queue, for policies that hand over to this one: the first job that can go.
function schedule(context)
  if not config then prepare() end
  local ahead = {}
  for _, job in ipairs(context.queue) do
    local decision = schedule_job(job, context.pools, context.workers)
    if decision and decision.id then
      return { action = "dispatch", job_id = job.id, worker_id = decision.id }
    end
    if decision and decision.action == "reject" then
      decision.job_id = job.id
      return decision
    end
    if decision and #ahead < config.starts_per_look then
      ahead[#ahead + 1] = decision
    end
  end
  if #ahead > 0 then
    return { action = "batch", actions = ahead }
  end
  return nil
end

-- Once a second: what nobody asked about. Models that are waited for, then what lies idle.
function look_around(context)
  if not config then prepare() end
  local actions = {}
  for _, ref in ipairs(context.queue.models()) do
    local job = context.queue.by_model(ref).first()
    if job and #actions < config.starts_per_look then
      actions[#actions + 1] = grow_for(job, context.pools, context.workers)
    end
  end
  if config.idle_ttl_ms > 0 and #actions < config.starts_per_look then
    local idle = context.workers.idle().filter(function(worker)
      return worker.residency_ms >= config.min_residency_ms
        and context.now_ms - math.max(worker.last_used_ms, context.now_ms - worker.residency_ms) >= config.idle_ttl_ms
    end)
    local worker = idle.to_evict("lru")
    if worker then
      actions[#actions + 1] = { action = "evict", worker_id = worker.id, reason = "idle" }
    end
  end
  return actions
end
