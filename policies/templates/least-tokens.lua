-- @name least-tokens
-- @version 1.0.0
-- @description The worker with the fewest tokens in flight.
--
-- For: requests that differ in length, which is most of the time.
-- Not for: long prompts that share their beginning (cache-aware, lmetric), or workers of very
-- different speed.
-- Source: AIBrix' and others' "least tokens"; on recorded chats the mean time to the first token
-- was a quarter less than by counting requests.

function schedule_job(job, pools, workers)
  return workers.eligible(job).min_by("in_flight_tokens")
end

-- @example
-- { "context": {
--     "queue": [{ "id": "job", "model_ref": "llama" }],
--     "workers": [
--       { "id": "one-long", "model_ref": "llama", "status": "ready", "slots": 8, "active": 1, "in_flight_tokens": 9000 },
--       { "id": "three-short", "model_ref": "llama", "status": "ready", "slots": 8, "active": 3, "in_flight_tokens": 600 }] },
--   "expect": { "action": "dispatch", "worker_id": "three-short" } }
