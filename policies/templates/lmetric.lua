-- @name lmetric
-- @version 1.0.0
-- @description The smallest product of prompt tokens to compute and batch size: nothing to tune.
--
-- For: everything; it is what the platform policy does with a job that can go now.
-- Not for: reports that are old and several queens, where all would agree on the same worker: p2c.
-- Source: LMETRIC, "Multiplication may be all you need" (OSDI '26):
--   (prompt tokens queued there + this prompt's that are not cached there) * (requests there + 1),
-- divided by the worker's speed relative to the others; ties by chance. `workers.lmetric(job)` is
-- the same in C.

local function work(worker, job, speed)
  local tokens = worker.queued_prefill_tokens + job.uncached_tokens(worker)
  local batch = worker.active + worker.queued + 1
  local relative = speed and worker.tokens_per_s and worker.tokens_per_s / speed or 1
  return math.max(tokens, 1) * batch / relative
end

function schedule_job(job, pools, workers)
  local list = workers.eligible(job)
  local speed = average(list.map(function(worker) return worker.tokens_per_s end))
  return list.min_by(function(worker) return work(worker, job, speed) end)
end

-- @example
-- { "context": {
--     "queue": [{ "id": "job", "model_ref": "llama", "prompt_tokens": 1000, "cached_tokens": { "a": 900 } }],
--     "workers": [{ "id": "a", "model_ref": "llama", "status": "ready", "slots": 8, "active": 3 },
--                 { "id": "b", "model_ref": "llama", "status": "ready", "slots": 8 }] },
--   "expect": { "action": "dispatch", "worker_id": "a" } }
