-- @name vtc
-- @version 1.0.0
-- @description Each tenant gets its share of tokens: the one that got least is served next.
--
-- For: people who share machines. Whoever sends a hundred requests waits for his own, not the others.
-- Not for: one user. And you need it only to change it: the queue's own order does the same, with the
-- tokens that were really used.
-- Source: virtual token counters, "Fairness in Serving Large Language Models" (OSDI '24), weighted,
-- charged ahead by the predicted answer.
--
-- The counters live as long as the policy's host: when that is replaced, all begin at zero.

local counters, waiting = {}, {}

-- Whoever comes back is lifted to the least of those that wait: idling earns no credit.
local function lift(now_waiting)
  local least
  for id in pairs(waiting) do
    if now_waiting[id] then least = math.min(least or counters[id], counters[id]) end
  end
  for id in pairs(now_waiting) do
    if not waiting[id] then counters[id] = math.max(counters[id] or 0, least or 0) end
  end
  waiting = now_waiting
end

local function owner(job)
  return job.tenant_id or ""
end

local function charge(job, worker)
  local weight = job.tenant and job.tenant.weight or 0
  local tokens = setting("vtc_input", 1) * job.uncached_tokens(worker)
    + setting("vtc_output", 2) * (job.predicted_tokens or 256)
  counters[owner(job)] = counters[owner(job)] + tokens / (weight > 0 and weight or 1)
end

-- Where it finds no room, others of its model may.
local function is_choosy(job)
  return job.pinned_worker_id or job.pinned_pool_id or job.retry_count > 0
end

function schedule(context)
  local now_waiting, full = {}, {}
  for _, job in ipairs(context.queue) do now_waiting[owner(job)] = true end
  lift(now_waiting)
  for _, job in ipairs(context.queue.sort_by(function(job) return counters[owner(job)] end)) do
    local worker = not full[job.model_ref] and context.workers.eligible(job).lmetric(job)
    if worker then
      charge(job, worker)
      return { action = "dispatch", job_id = job.id, worker_id = worker.id }
    end
    full[job.model_ref] = full[job.model_ref] or not is_choosy(job)
  end
  return platform.schedule(context) -- nobody has room: what could be started?
end

-- @example
-- { "context": {
--     "queue": [{ "id": "heavy-1", "tenant_id": "heavy", "model_ref": "llama", "prompt_tokens": 5000 },
--               { "id": "heavy-2", "tenant_id": "heavy", "model_ref": "llama", "prompt_tokens": 5000 },
--               { "id": "light-1", "tenant_id": "light", "model_ref": "llama", "prompt_tokens": 10 }],
--     "workers": [{ "id": "w", "model_ref": "llama", "status": "ready", "slots": 4 }] },
--   "expect": [{ "action": "dispatch", "job_id": "heavy-1" },
--              { "action": "dispatch", "job_id": "light-1" }] }
