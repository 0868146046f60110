-- @name round-robin
-- @version 1.0.0
-- @description Each worker in turn.
--
-- For: equal machines, requests of equal size, and someone who wants to know where the next goes.
-- Not for: requests that differ. Turns count jobs, and a long prompt takes as long as fifty short
-- ones. least-tokens does better with the same simplicity.
-- Source: as old as networks. It remembers whose turn it is until its host is replaced.

function schedule_job(job, pools, workers)
  return workers.eligible(job).round_robin()
end

-- @example
-- { "context": {
--     "queue": [{ "id": "job", "model_ref": "llama" }],
--     "workers": [{ "id": "a", "model_ref": "llama", "status": "ready", "slots": 4 },
--                 { "id": "b", "model_ref": "llama", "status": "ready", "slots": 4 }] },
--   "expect": [{ "action": "dispatch", "worker_id": "a" },
--              { "action": "dispatch", "worker_id": "b" },
--              { "action": "dispatch", "worker_id": "a" }] }
