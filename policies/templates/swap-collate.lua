-- @name swap-collate
-- @version 1.0.0
-- @description More models than memory: all jobs of a loaded model before the next one is loaded.
--
-- For: one machine and many models. Of A, B, A, A, C come A, A, A, B, C: three loads, not five.
-- Not for: several machines: while one model's turn is overdue, nothing else is sent anywhere. The
-- platform policy swaps as well, for each machine on its own.
-- Source: what llama-swap's users ask for: collate, a longest wait, a shortest stay. The stay has
-- to be some load times long: with the longest wait alone it swaps for every job.

local function max_wait_ms() return setting("swap_max_wait_ms", 60000) end
local function min_stay_ms() return setting("swap_min_stay_ms", 30000) end
local LOADS = 3 -- a worker stays for at least so many of its load times

local function may_go(worker, is_late)
  local own = get_model(worker.model_ref)
  local is_wanted = own and own.queued > 0
  local stay_ms = math.max(min_stay_ms(), LOADS * (worker.load_time_ms or 0))
  return worker.residency_ms >= stay_ms and (is_late or not is_wanted)
end

-- Start the job's model where there is room, else make some.
local function swap(job, pools, is_late)
  local model = get_model(job.model_ref)
  if not model or model.starting > 0 then return nil end
  local having = pools.filter(function(pool) return pool.has_model(model) end)
  for _, pool in ipairs(having) do
    if model.fits(pool) then
      return { action = "start_worker", start_worker = { model_ref = model.ref, pool_id = pool.id } }
    end
  end
  for _, pool in ipairs(having) do
    local is_leaving = pool.workers.any(function(worker) return worker.status == "draining" end)
    local worker = not is_leaving
      and pool.workers.filter(function(each) return may_go(each, is_late) end).to_evict("lru")
    if worker then
      return { action = "evict", worker_id = worker.id, reason = "room for " .. model.ref }
    end
  end
end

function schedule(context)
  local homeless = context.queue.filter(function(job)
    return context.workers.with_model(job.model_ref).is_empty()
  end)
  local late = homeless.filter(function(job) return job.wait_ms >= max_wait_ms() end).first()
  for _, job in ipairs(context.queue) do
    local worker = not late and context.workers.eligible(job).least_loaded()
    if worker then
      return { action = "dispatch", job_id = job.id, worker_id = worker.id }
    end
  end
  local next_one = late or homeless.first()
  return next_one and swap(next_one, context.pools, late ~= nil)
end

-- @example
-- [{ "context": {
--      "queue": [{ "id": "b", "model_ref": "B" }, { "id": "a", "model_ref": "A" }],
--      "pools": [{ "id": "attic", "cached_models": ["A", "B"], "ram_free_mb": 1000, "workers": [
--        { "id": "w", "model_ref": "A", "status": "ready", "slots": 1, "residency_ms": 90000 }] }],
--      "models": [{ "ref": "A", "queued": 1 }, { "ref": "B", "queued": 1, "vram_required_mb": 5000 }] },
--    "expect": { "action": "dispatch", "job_id": "a", "worker_id": "w" } },
--  { "context": {
--      "queue": [{ "id": "b", "model_ref": "B" }],
--      "pools": [{ "id": "attic", "cached_models": ["A", "B"], "ram_free_mb": 1000, "workers": [
--        { "id": "w", "model_ref": "A", "status": "ready", "slots": 1, "residency_ms": 90000 }] }],
--      "models": [{ "ref": "A" }, { "ref": "B", "queued": 1, "vram_required_mb": 5000 }] },
--    "expect": { "action": "evict", "worker_id": "w" } },
--  { "context": {
--      "queue": [{ "id": "b", "model_ref": "B" }],
--      "pools": [{ "id": "attic", "cached_models": ["A", "B"], "ram_free_mb": 6000 }],
--      "models": [{ "ref": "B", "queued": 1, "vram_required_mb": 5000 }] },
--    "expect": { "action": "start_worker", "start_worker": { "model_ref": "B", "pool_id": "attic" } } }]
