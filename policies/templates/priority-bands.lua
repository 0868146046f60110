-- @name priority-bands
-- @version 1.0.0
-- @description As many bands of priority as you like, by a label; age lifts.
--
-- For: more than interactive and batch: say what a request is with the label `band`.
-- Not for: fairness between people: within a band whoever comes first is served first.
-- Source: strict priority with ageing, as in every operating system's scheduler.

-- From the first to the last. Requests without a label are of the band of their priority.
local bands = { urgent = 1, interactive = 2, normal = 3, batch = 4, scavenger = 5 }

local function rank(job)
  local band = bands[job.labels.band or job.priority] or bands.normal
  return band - job.wait_ms // setting("band_lift_ms", 60000) -- waiting so long is worth one band
end

-- Where it finds no room, others of its model may.
local function is_choosy(job)
  return job.pinned_worker_id or job.pinned_pool_id or job.retry_count > 0
end

function schedule(context)
  local full = {}
  for _, job in ipairs(context.queue.sort_by(rank)) do
    local worker = not full[job.model_ref] and context.workers.eligible(job).lmetric(job)
    if worker then
      return { action = "dispatch", job_id = job.id, worker_id = worker.id }
    end
    full[job.model_ref] = full[job.model_ref] or not is_choosy(job)
  end
  return platform.schedule(context) -- nobody has room: what could be started?
end

-- @example
-- { "context": {
--     "queue": [{ "id": "chat", "model_ref": "llama", "priority": "interactive" },
--               { "id": "alarm", "model_ref": "llama", "priority": "batch", "labels": { "band": "urgent" } }],
--     "workers": [{ "id": "w", "model_ref": "llama", "status": "ready", "slots": 1 }] },
--   "expect": { "action": "dispatch", "job_id": "alarm", "worker_id": "w" } }
-- @example
-- { "context": {
--     "queue": [{ "id": "chat", "model_ref": "llama", "priority": "interactive" },
--               { "id": "patient", "model_ref": "llama", "priority": "batch", "wait_ms": 200000 }],
--     "workers": [{ "id": "w", "model_ref": "llama", "status": "ready", "slots": 1 }] },
--   "expect": { "action": "dispatch", "job_id": "patient", "worker_id": "w" } }
