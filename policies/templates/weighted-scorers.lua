-- @name weighted-scorers
-- @version 1.0.0
-- @description Several scores from 0 to 1, weighted and added: cached prompt 2, queue 1, memory 1.
--
-- For: whoever wants to tune, one weight at a time, and add scores of their own.
-- Not for: whoever does not: the right weights depend on the traffic. lmetric has none.
-- Source: the scorers of llm-d's and Gateway API's endpoint picker, with the weights of its
-- precise prefix configuration.

local scorers = {
  prefix = function(worker, job)
    return 1 - job.uncached_tokens(worker) / math.max(job.prompt_tokens, 1)
  end,
  queue = function(worker)
    return 1 - (worker.active + worker.queued) / math.max(worker.slots, 1)
  end,
  memory = function(worker)
    return 1 - (worker.kv_used_pct or 0) / 100
  end,
}

function schedule_job(job, pools, workers)
  local weights = {
    prefix = setting("weight_prefix", 2),
    queue = setting("weight_queue", 1),
    memory = setting("weight_memory", 1),
  }
  return workers.eligible(job).max_by(function(worker)
    local sum = 0
    for name, weight in pairs(weights) do
      sum = sum + weight * scorers[name](worker, job)
    end
    return sum
  end)
end

-- @example
-- { "context": {
--     "queue": [{ "id": "job", "model_ref": "llama", "prompt_tokens": 1000, "cached_tokens": { "a": 400 } }],
--     "workers": [
--       { "id": "a", "model_ref": "llama", "status": "ready", "slots": 4, "active": 1, "kv_used_pct": 50 },
--       { "id": "b", "model_ref": "llama", "status": "ready", "slots": 4, "active": 0, "kv_used_pct": 10 }] },
--   "expect": { "action": "dispatch", "worker_id": "a" } }
