-- @name p2c
-- @version 1.0.0
-- @description The less loaded of two random workers.
--
-- For: many workers, several queens, or reports that are a second old: chance keeps all from
-- picking the same worker, and the comparison keeps off the full ones.
-- Not for: two or three workers and one queen, which counts its own requests exactly. There the
-- least loaded of all is better.
-- Source: the power of two choices (Mitzenmacher 2001): from log n to log log n at the fullest.

function schedule_job(job, pools, workers)
  return workers.eligible(job).power_of_two()
end

-- @example
-- { "context": {
--     "queue": [{ "id": "job", "model_ref": "llama" }],
--     "workers": [{ "id": "a", "model_ref": "llama", "status": "ready", "slots": 8, "active": 5 },
--                 { "id": "b", "model_ref": "llama", "status": "ready", "slots": 8, "active": 1 }] },
--   "expect": { "action": "dispatch", "worker_id": "b" } }
