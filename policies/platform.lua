-- @name platform
-- @version 1.0.0
-- @description The built-in policy: LMETRIC placement, prefix affinity, starts, evictions, swaps.
--
-- What the core has done before it asks: let the job in, put it into its band (interactive
-- before batch, with a reserved share), chosen its tenant by fair share (weighted VTC),
-- ordered that tenant's jobs by deadline and arrival. What is left to decide is where this
-- one job goes now: place it, or refuse it, or let it wait and start or evict for it.
--
-- Read it, copy it, change it: GET /v2/admin/scheduler/platform-source. In platform mode it
-- is what runs, and nothing else. Every knob is described in docs/policies/platform.md.

-- Every knob: `queen-rbee --set NAME=VALUE` overrides one.
local defaults = {
  -- Placing: among the workers that could run the job now.
  choice = "lmetric",              -- or power_of_two, least_loaded, warmest, cheapest, random
  choice_batch = "",               -- the same for batch jobs; "": as above
  explore_pct = 1,                 -- share of jobs that go to a random one of them
  keep_seeded_on_one_build = true, -- a seed promises the same answer only from the same build
  kv_full_pct = 95,                -- workers whose KV cache is fuller come last, as late ones do
  reserve_slots_pct = 0,           -- share of a model's slots that batch jobs leave free

  -- Admission: of jobs that are new and cannot go at once.
  admit_within_ms = 1000,          -- a job is new for so long
  admit_deadlines = true,          -- refuse at once what cannot be in time
  enforce_quotas = true,           -- tenants' tokens, concurrent jobs and memory
  shed_factor = 0,                 -- shed batch jobs by chance: factor * saturation ^ power
  shed_power = 5,
  shed_saturation = 0.95,          -- and only beyond this
  shed_queue_per_worker = 5,       -- so many jobs in the queue per worker saturate it

  -- Starting workers.
  start = true,
  start_wait_factor = 1,           -- one more when waiting costs more than so many loads
  scale_out_jobs_per_slot = 4,     -- and only beyond this backlog
  workers_per_model_max = 8,
  starts_per_model = 1,            -- under way at once
  start_again_ms = 15000,          -- before the same model is started on the same pool again
  load_mb_per_s = 1000,            -- what loading costs where nothing like it was measured
  load_init_ms = 2000,
  fetch_ms = 60000,                -- and what a pool costs that may have to download it first
  starts_per_look = 2,             -- models thought of ahead of any job, once a second; at most 4
  think_again_ms = 900,            -- before a model that nothing can be done for is looked at again
  remembered_max = 4096,           -- starts and vain looks that are kept in mind

  -- Evicting workers.
  evict = true,
  eviction = "gdsf",               -- gdsf | lru | lfu | ttl
  evict_ttl_ms = 300000,           -- of ttl: who was used since then stays
  min_residency_ms = 30000,        -- a worker stays at least so long
  overdue_ms = 60000,              -- a job that waited so long may push out a model that is wanted,
  residency_loads = 3,             -- once that was there for so many of its load times
  idle_ttl_ms = 0,                 -- evict what was idle for so long; 0: never
  evictions_max = 8,               -- for one model; at most 15
  pools_weighed_max = 16,          -- when room is to be made
}

-- How each choice picks one of a list of workers.
local choices = {
  lmetric = function(list, job) return list.lmetric(job) end,
  power_of_two = function(list) return list.power_of_two() end,
  least_loaded = function(list) return list.least_loaded() end,
  warmest = function(list, job) return list.warmest(job) end,
  cheapest = function(list) return list.min_by("cost_per_token") end,
  random = function(list) return list.random() end,
}

local config, choose, choose_batch

-- What it remembers. All of it only spares vain work or keeps a promise a little longer:
-- forgetting it, when the queen starts anew, does no harm.
local started = { at_ms = {}, len = 0 } -- when a model was last started on a pool
local vain = { at_ms = {}, len = 0 }    -- when nothing could be done for a model
local yielding = {}                     -- worker id -> the model that gets its place when it rests

-- Of the running call: what the decisions before this one will use and free.
local promised_mb = {} -- by pool id
local going = {}       -- worker ids
local has_plans = false -- is there anything in these two?

local evictions_known = { gdsf = true, lru = true, lfu = true, ttl = true }

-- Settings are there from the first call on. What makes no sense is as if it were not said.
local function prepare()
  config = {}
  for name, default in pairs(defaults) do
    local value = setting(name, default)
    local is_negative = type(value) == "number" and not (value >= 0)
    config[name] = is_negative and default or value
  end
  config.starts_per_look = math.min(config.starts_per_look, 4) -- an answer holds 64 decisions
  config.evictions_max = math.min(config.evictions_max, 15)
  config.eviction = evictions_known[config.eviction] and config.eviction or defaults.eviction
  choose = choices[config.choice] or choices.lmetric
  choose_batch = choices[config.choice_batch] or choose
end

local function begin()
  if not config then prepare() end
  if has_plans then promised_mb, going, has_plans = {}, {}, false end
end

-- Remember that something was done now. Of too many all are forgotten: which one is the
-- oldest is not worth finding out.
local function note(memory, key)
  if not memory.at_ms[key] then memory.len = memory.len + 1 end
  if memory.len > config.remembered_max then memory.at_ms, memory.len = {}, 1 end
  memory.at_ms[key] = context.now_ms
end

-- A while ago, not now: the same question at the same time gets the same answer.
local function was_within(memory, key, ms)
  local then_ms = memory.at_ms[key]
  local age_ms = then_ms and context.now_ms - then_ms or 0
  return age_ms > 0 and age_ms < ms
end

-- ---- Placing: filter, score, pick -------------------------------------------------------

-- A seed promises the same answer only from the same build of the same model.
local function prefer_one_build(list, job, workers)
  local kept = workers.with_model(job.model_ref).one_build().eligible(job)
  return kept.is_empty() and list or kept
end

-- Workers that make room for another model take no more jobs.
local function without_yielding(list)
  return list.filter(function(worker) return not yielding[worker.id] end)
end

-- Batch jobs leave some slots for whoever is in a hurry.
local function is_reserved(job, list, workers)
  local slots = workers.with_model(job.model_ref).sum("slots")
  return list.sum("room") <= slots * config.reserve_slots_pct / 100
end

local function place(job, workers)
  local list = workers.eligible(job)
  if #list == 0 then return nil end
  if next(yielding) then list = without_yielding(list) end
  local is_batch = job.priority == "batch"
  if is_batch and config.reserve_slots_pct > 0 and is_reserved(job, list, workers) then
    return nil
  end
  list = list.prefer_healthy(config.kv_full_pct)
  if job.seed and config.keep_seeded_on_one_build then
    list = prefer_one_build(list, job, workers)
  end
  if math.random() * 100 < config.explore_pct then
    return list.random()
  end
  return (is_batch and choose_batch or choose)(list, job)
end

-- ---- Admission: told at once, not after a wait in vain -----------------------------------

-- Rates and budgets refuse; what others will give back is waited for.
local function hold_to_quota(job)
  local tenant = config.enforce_quotas and job.tenant
  if not tenant then return nil end
  local most = tenant.max_concurrent or 0
  if most > 0 and tenant.concurrent >= most then
    return wait("its tenant runs as many jobs as it may")
  end
  if not tenant_over_quota(tenant) then return nil end
  if tenant_remaining_quota(tenant, "tokens") > 0 and tenant_remaining_quota(tenant) == 0 then
    return wait("its tenant has used up its memory quota")
  end
  return reject("quota_exceeded", 429)
end

local function saturation()
  local now = metrics()
  local queue = config.shed_queue_per_worker * (now.ready_workers + now.busy_workers)
  return math.max(now.saturation, queue > 0 and now.queue_depth / queue or 0)
end

local function too_late(words, ...)
  return { action = "reject", code = "deadline_exceeded", status = 504, reason = words:format(...) }
end

-- What a job would wait for that cannot go now; nil: nobody could ever run it as things are.
local function refuse(job, wait_ms)
  if job.wait_ms >= config.admit_within_ms or job.retry_count > 0 then return nil end
  if config.admit_deadlines and wait_ms and wait_ms > job.deadline then
    return too_late("It would wait for about %.0f ms; its deadline is in %.0f ms.", wait_ms,
      job.deadline)
  end
  if config.shed_factor > 0 and job.priority == "batch" then
    local full = saturation()
    local chance = config.shed_factor * full ^ config.shed_power
    if full >= config.shed_saturation and math.random() < chance then
      return reject("overloaded", 503)
    end
  end
  return nil
end

-- ---- Starting: when waiting costs more than loading ---------------------------------------

local function need_mb(model)
  return model_vram_required(model.ref) or 0
end

-- Measured there, else by size and the speed of other loads, else by size alone.
local function load_ms(model, pool)
  return model.load_time_on(pool)
    or config.load_init_ms + model.size_bytes / (config.load_mb_per_s * 1000)
end

-- Until it would be ready there: loads under way come first, then a download, if it needs one.
local function ready_ms(model, pool)
  local fetch_ms = #pool.cached_models == 0 and config.fetch_ms or 0
  return pool.reserved_mb / config.load_mb_per_s * 1000 + fetch_ms + load_ms(model, pool)
end

-- A pool that says nothing of its memory may have any.
local function free_mb(pool)
  local gpus = pool.gpus
  local is_said = gpus.is_empty() and pool.ram_free_mb > 0 or gpus.sum("vram_total_mb") > 0
  return (is_said and pool.free_mb or math.huge) - (promised_mb[pool.id] or 0)
end

local function start_key(model, pool)
  return model.ref .. "\n" .. pool.id
end

-- Where it may be started: it has the model or may have it, and has not just been told to.
local function pools_for(model, job, pools)
  local pinned = job.pinned_pool_id
  return pools.filter(function(pool)
    return pool.status == "healthy" and (not pinned or pool.id == pinned)
      and pool.has_model(model.ref)
      and not was_within(started, start_key(model, pool), config.start_again_ms)
  end)
end

local function start(model, pool, reason)
  note(started, start_key(model, pool))
  promised_mb[pool.id] = (promised_mb[pool.id] or 0) + need_mb(model)
  has_plans = true
  return {
    action = "start_worker",
    start_worker = { model_ref = model.ref, pool_id = pool.id },
    reason = reason,
  }
end

-- ---- Evicting: room for a model that is wanted --------------------------------------------

local function size_mb(worker)
  return worker.vram_mb > 0 and worker.vram_mb or worker.rss_mb
end

local function eviction_rest_ms()
  return config.eviction == "ttl" and config.evict_ttl_ms or nil
end

-- Has it been there long enough that loading it was worth it?
local function has_paid_off(worker)
  local load = worker.load_time_ms or config.load_init_ms
  return worker.residency_ms >= math.max(config.min_residency_ms, config.residency_loads * load)
end

-- Nobody whose own model is waited for goes, unless the job is overdue and its turn has come.
local function may_go(worker, model, overdue)
  if worker.model_ref == model.ref or worker.residency_ms < config.min_residency_ms
    or going[worker.id] then
    return false
  end
  local own = get_model(worker.model_ref)
  return not own or own.queued == 0 or (overdue and has_paid_off(worker))
end

-- Memory of workers that are being stopped: it comes without doing anything.
local function leaving_mb(pool)
  return pool.workers.sum(function(worker)
    local leaves = worker.status == "draining" or going[worker.id]
    return leaves and size_mb(worker) or 0
  end)
end

-- Who goes so that the model fits, and what bringing them back would cost; nil: it cannot be.
local function victims(model, pool, overdue)
  local missing = need_mb(model) - free_mb(pool) - leaving_mb(pool)
  local gone, cost_ms = {}, 0
  if missing <= 0 then return gone, cost_ms end
  if not pool.workers.to_evict(config.eviction, eviction_rest_ms()) then return nil end
  local left = pool.workers.filter(function(worker) return may_go(worker, model, overdue) end)
  while missing > 0 do
    local worker = left.to_evict(config.eviction, eviction_rest_ms())
    if not worker or #gone >= config.evictions_max then return nil end
    gone[#gone + 1] = worker
    cost_ms = cost_ms + (worker.load_time_ms or config.load_init_ms)
    missing = missing - size_mb(worker)
    left = left.filter(function(other) return other.id ~= worker.id end)
  end
  return gone, cost_ms
end

-- Where that costs least, if less than `patience_ms` of waiting: who goes; none: it fits as it is,
-- or will; nil: nowhere.
local function find_room(model, pools, overdue, patience_ms)
  local best, least_ms
  for i, pool in ipairs(pools) do
    if i > config.pools_weighed_max then break end
    local gone, cost_ms = victims(model, pool, overdue)
    cost_ms = gone and cost_ms + ready_ms(model, pool)
    if gone and cost_ms <= patience_ms and (not best or cost_ms < least_ms) then
      best, least_ms = gone, cost_ms
    end
  end
  return best
end

local function make_room(model, pools, overdue, patience_ms)
  local gone = config.evict and find_room(model, pools, overdue, patience_ms)
  if not gone then return nil end
  if #gone == 0 then return wait("room is being made for it") end
  local actions = {}
  for i, worker in ipairs(gone) do
    going[worker.id] = true
    has_plans = true
    actions[i] = { action = "evict", worker_id = worker.id, reason = "room for " .. model.ref }
  end
  return { action = "batch", actions = actions }
end

-- ---- Providing: what would help a job that cannot go now ------------------------------------

-- A pool that does not list its models may have one that nobody has told of.
local function model_named(ref, workers)
  if ref == "" then return nil end
  return get_model(ref) or {
    ref = ref, size_bytes = 0, queued = 0, starting = 0,
    workers = workers.with_model(ref), load_time_on = function() return nil end,
  }
end

-- One more worker where the model fits, else room for it, as long as that takes less time than
-- waiting does.
local function grow(job, model, pools, patience_ms, reason)
  if model.workers.len() >= config.workers_per_model_max then return nil end
  pools = pools_for(model, job, pools)
  local needed = need_mb(model)
  local roomy = pools.filter(function(pool) return free_mb(pool) >= needed end)
  local pool = roomy.min_by(function(each) return ready_ms(model, each) end)
  if pool then
    return ready_ms(model, pool) <= patience_ms and start(model, pool, reason) or nil
  end
  return make_room(model, pools, job.wait_ms >= config.overdue_ms, patience_ms)
end

-- Too few jobs to be worth another worker. Each worker has a slot, so most need no counting.
local function is_small(backlog, holders)
  local jobs_per_slot = config.scale_out_jobs_per_slot
  return backlog < jobs_per_slot * holders.len() or backlog < jobs_per_slot * holders.sum("slots")
end

local function provide(job, wait_ms, pools, workers)
  local model = config.start and not job.pinned_worker_id and model_named(job.model_ref, workers)
  if not model or was_within(vain, model.ref, config.think_again_ms) then return nil end
  if model.starting >= config.starts_per_model then return wait("its model is being loaded") end
  local holders = workers.with_model(model.ref)
  local decision
  if wait_ms then
    if is_small(model.queued, holders) then return nil end
    decision = grow(job, model, pools, wait_ms / config.start_wait_factor,
      "a backlog of " .. model.queued .. " jobs")
  elseif holders.any(function(worker) return worker.status == "starting" end) then
    return wait("its model is being loaded")
  else
    decision = grow(job, model, pools, math.huge, "nobody has " .. model.ref)
  end
  if not decision then note(vain, model.ref) end
  return decision
end

-- ---- Swapping: who never rests must give way sometimes --------------------------------------

-- A model whose turn has come, where another one's jobs keep the place busy: of the workers
-- that have paid off, the one that was there longest takes no more jobs and goes when it rests.
local function let_one_yield(job, model, pools)
  local needed, longest = need_mb(model), nil
  for i, pool in ipairs(pools_for(model, job, pools)) do
    if i > config.pools_weighed_max then break end
    local able = pool.workers.filter(function(worker)
      return (worker.status == "ready" or worker.status == "busy") and has_paid_off(worker)
        and not worker.pinned and not worker.static and not yielding[worker.id]
        and size_mb(worker) + free_mb(pool) >= needed
    end)
    local worker = able.max_by("residency_ms")
    if worker and (not longest or worker.residency_ms > longest.residency_ms) then
      longest = worker
    end
  end
  if longest then yielding[longest.id] = model.ref end
end

-- It is over when the worker is gone, or the model came or is not waited for any more.
local function forget_yielding(workers)
  for id, ref in pairs(yielding) do
    local model = get_model(ref)
    local is_wanted = model and model.queued > 0 and model.workers.is_empty()
    if not is_wanted or not workers.find(id) then yielding[id] = nil end
  end
end

local function is_yielded_to(ref)
  for _, other in pairs(yielding) do
    if other == ref then return true end
  end
  return false
end

local function plan_swaps(queue, pools, workers)
  forget_yielding(workers)
  if not config.start or not config.evict then return end
  for _, ref in ipairs(queue.models()) do
    local model, job = get_model(ref), queue.by_model(ref).first()
    if model and job.wait_ms >= config.overdue_ms and model.workers.is_empty()
      and model.starting == 0 and not is_yielded_to(ref)
      and not find_room(model, pools_for(model, job, pools), true, math.huge) then
      let_one_yield(job, model, pools)
    end
  end
end

-- ---- Entry points ---------------------------------------------------------------------------

-- A worker, or a decision, or nil to wait.
local function decide(job, pools, workers)
  if config.admit_deadlines and job.deadline <= 0 then
    return too_late("Its deadline has passed.")
  end
  local decision = hold_to_quota(job) or place(job, workers)
  if decision then return decision end
  local wait_ms = calculate_wait_time(job.id)
  return refuse(job, wait_ms) or provide(job, wait_ms, pools, workers)
end

-- About one job, in the core's order.
function schedule_job(job, pools, workers)
  begin()
  return decide(job, pools, workers)
end

-- Jobs that may run on the same workers share a fate; nil: this one is like no other.
local function fate(job)
  local is_special = job.pinned_worker_id or job.pinned_pool_id or job.retry_count > 0
  return not is_special and job.priority .. job.model_ref .. (job.tenant_id or "") or nil
end

-- About the whole queue, for policies that hand over to this one: the first job that can go or
-- is refused, else what should be started and evicted.
function schedule(context)
  begin()
  local queue, ahead, waits = context.queue.in_turn(), {}, {}
  plan_swaps(queue, context.pools, context.workers)
  for _, job in ipairs(queue) do
    local key = fate(job)
    local decision = not waits[key or ""] and decide(job, context.pools, context.workers)
    if type(decision) == "userdata" then
      if decision.id ~= "" then
        return { action = "dispatch", job_id = job.id, worker_id = decision.id }
      end
    elseif decision and decision.action == "reject" then
      decision.job_id = job.id
      return decision
    elseif decision and decision.action ~= "wait" and #ahead < config.starts_per_look then
      ahead[#ahead + 1] = decision
    end
    if key then waits[key] = true end
  end
  return #ahead > 0 and { action = "batch", actions = ahead } or nil
end

-- Who has nothing to do and is not wanted.
local function evict_idle(workers, actions)
  if not workers.to_evict("lru", config.idle_ttl_ms) then return end
  local most_ms = math.max(config.min_residency_ms, config.idle_ttl_ms)
  local idle = workers.filter(function(worker)
    local own = get_model(worker.model_ref)
    local is_wanted = own and own.queued > 0
    return worker.residency_ms >= most_ms and not is_wanted and not going[worker.id]
  end)
  local worker = idle.to_evict("lru", config.idle_ttl_ms)
  if worker then
    actions[#actions + 1] = { action = "evict", worker_id = worker.id, reason = "idle" }
  end
end

-- Once a second, about nobody's job in particular: models that are waited for, then what lies
-- idle.
function look_around(context)
  begin()
  local actions = {}
  plan_swaps(context.queue, context.pools, context.workers)
  for _, ref in ipairs(context.queue.models()) do
    local job = context.queue.by_model(ref).first()
    local decision = #actions < config.starts_per_look
      and provide(job, calculate_wait_time(job.id), context.pools, context.workers)
    if decision and decision.action ~= "wait" then actions[#actions + 1] = decision end
  end
  if config.idle_ttl_ms > 0 and #actions < config.starts_per_look then
    evict_idle(context.workers, actions)
  end
  return actions
end
