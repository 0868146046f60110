-- @name least-requests
-- @version 1.0.0
-- @description The worker with the fewest requests.
--
-- For: workers of one size behind one queen, requests of similar length.
-- Not for: workers of different sizes (least_loaded() counts per slot), or several queens on the
-- same workers: each sees the others' requests late, and all pick the same worker. Then p2c.
-- Source: join the shortest queue; "least outstanding requests" of every load balancer.

function schedule_job(job, pools, workers)
  return workers.eligible(job).min_by(function(worker)
    return worker.active + worker.queued
  end)
end

-- @example
-- { "context": {
--     "queue": [{ "id": "job", "model_ref": "llama" }],
--     "workers": [{ "id": "a", "model_ref": "llama", "status": "ready", "slots": 8, "active": 3 },
--                 { "id": "b", "model_ref": "llama", "status": "ready", "slots": 8, "active": 2 }] },
--   "expect": { "action": "dispatch", "worker_id": "b" } }
