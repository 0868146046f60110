-- @name kv-cost
-- @version 1.0.0
-- @description The smallest sum of prompt tokens to compute and tokens held in memory.
--
-- For: large GPUs whose KV memory is the bottleneck: a prompt that is cached costs nothing there,
-- and what a worker holds slows every step of it.
-- Not for: engines that report neither; it then counts the queen's own tokens, which is least-tokens
-- with a bonus for what is cached.
-- Source: the KV router of NVIDIA Dynamo: cost = scale * (prefill under way + prompt - overlap)
-- + blocks in use, the smallest wins. Here in tokens instead of blocks of them.

function schedule_job(job, pools, workers)
  local scale = setting("kv_prefill_scale", 1) -- more: sooner first tokens; less: steadier ones
  return workers.eligible(job).min_by(function(worker)
    local prefill = worker.queued_prefill_tokens + job.uncached_tokens(worker)
    return scale * prefill + worker.in_flight_tokens
  end)
end

-- @example
-- { "context": {
--     "queue": [{ "id": "job", "model_ref": "llama", "prompt_tokens": 2000, "cached_tokens": { "b": 1800 } }],
--     "workers": [{ "id": "a", "model_ref": "llama", "status": "ready", "slots": 8, "in_flight_tokens": 500 },
--                 { "id": "b", "model_ref": "llama", "status": "ready", "slots": 8, "in_flight_tokens": 1500 }] },
--   "expect": { "action": "dispatch", "worker_id": "b" } }
