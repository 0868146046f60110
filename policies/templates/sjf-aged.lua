-- @name sjf-aged
-- @version 1.0.0
-- @description Short jobs first, but nobody waits for ever.
--
-- For: one or two workers and mixed work, as at home: a quick question does not wait behind a novel.
-- Not for: traffic that is never less than full; what is long then waits for its age to count.
-- Source: shortest job first by predicted length (SSJF, learning to rank, Clairvoyant), with
-- ageing: each second of waiting takes 0.1 s off a job's length. Without it the long ones starve.

local PREFILL = 30 -- prompt tokens read in the time of one that is written

-- How long it would take a worker of mean speed, less what its waiting is worth.
local function urgency(job, tokens_per_s)
  local tokens = job.prompt_tokens / PREFILL + (job.predicted_tokens or 256)
  local ageing = setting("sjf_ageing", 0.1) -- seconds of work per second waited; 0.05 to 0.2
  return 1000 * tokens / tokens_per_s - ageing * job.wait_ms
end

-- Where it finds no room, others of its model may.
local function is_choosy(job)
  return job.pinned_worker_id or job.pinned_pool_id or job.retry_count > 0
end

function schedule(context)
  local measured = context.metrics.avg_tokens_per_s
  local speed = measured > 0 and measured or 30
  local full = {}
  for _, job in ipairs(context.queue.sort_by(function(job) return urgency(job, speed) end)) do
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
--     "queue": [{ "id": "novel", "model_ref": "llama", "prompt_tokens": 100, "predicted_tokens": 3000, "wait_ms": 900 },
--               { "id": "question", "model_ref": "llama", "prompt_tokens": 100, "predicted_tokens": 50 }],
--     "workers": [{ "id": "w", "model_ref": "llama", "status": "ready", "slots": 1, "tokens_per_s": 50 }] },
--   "expect": { "action": "dispatch", "job_id": "question", "worker_id": "w" } }
-- @example
-- { "context": {
--     "queue": [{ "id": "novel", "model_ref": "llama", "prompt_tokens": 100, "predicted_tokens": 3000, "wait_ms": 700000 },
--               { "id": "question", "model_ref": "llama", "prompt_tokens": 100, "predicted_tokens": 50 }],
--     "workers": [{ "id": "w", "model_ref": "llama", "status": "ready", "slots": 1, "tokens_per_s": 50 }] },
--   "expect": { "action": "dispatch", "job_id": "novel", "worker_id": "w" } }
