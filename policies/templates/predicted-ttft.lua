-- @name predicted-ttft
-- @version 1.0.0
-- @description The worker whose first token is expected soonest.
--
-- For: workers of different speeds whose engines tell theirs; chats, where the first token is
-- what people wait for.
-- Not for: workers that have not been measured yet: the estimate then takes all to be alike.
-- Source: Mooncake's conductor (FAST '25): queue + prefill of what is not cached.

function schedule_job(job, pools, workers)
  return workers.eligible(job).min_by(function(worker)
    return estimate_performance(worker, job).ttft_ms
  end)
end

-- @example
-- { "context": {
--     "queue": [{ "id": "job", "model_ref": "llama", "prompt_tokens": 3000 }],
--     "workers": [
--       { "id": "slow", "model_ref": "llama", "status": "ready", "slots": 8, "prefill_tokens_per_s": 500 },
--       { "id": "fast", "model_ref": "llama", "status": "ready", "slots": 8, "prefill_tokens_per_s": 4000,
--         "queued_prefill_tokens": 5000 }] },
--   "expect": { "action": "dispatch", "worker_id": "fast" } }
