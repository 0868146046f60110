-- @name random
-- @version 1.0.0
-- @description Any worker that has room.
--
-- For: a baseline to compare others with; many workers that nobody has figures of.
-- Not for: anything else. Two random choices are hardly dearer and far better: see p2c.
-- Source: as old as dice. The dice are seeded: a decision that is run again falls the same.

function schedule_job(job, pools, workers)
  return workers.eligible(job).random()
end

-- @example
-- { "context": {
--     "queue": [{ "id": "job", "model_ref": "llama" }],
--     "workers": [{ "id": "full", "model_ref": "llama", "status": "ready", "slots": 1, "active": 1 },
--                 { "id": "free", "model_ref": "llama", "status": "ready", "slots": 1 }] },
--   "expect": { "action": "dispatch", "worker_id": "free" } }
