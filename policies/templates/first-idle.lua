-- @name first-idle
-- @version 1.0.0
-- @description The first worker that holds the model and does nothing.
--
-- For: one user, a handful of machines; the simplest policy that works, to begin your own with.
-- Not for: several users at once. The first workers do all the work, and whoever comes while all
-- are busy waits, even where workers could run several jobs side by side.
-- Source: rbee's first scheduler (SimpleScheduler).

function schedule_job(job, registry)
  return registry.find_best_worker_for_model(job.model)
end

-- @example
-- { "context": {
--     "queue": [{ "id": "job", "model_ref": "llama" }],
--     "workers": [{ "id": "busy", "model_ref": "llama", "status": "ready", "slots": 1, "active": 1 },
--                 { "id": "other", "model_ref": "qwen", "status": "ready", "slots": 1 },
--                 { "id": "idle", "model_ref": "llama", "status": "ready", "slots": 1 }] },
--   "expect": { "action": "dispatch", "worker_id": "idle" } }
