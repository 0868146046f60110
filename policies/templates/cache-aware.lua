-- @name cache-aware
-- @version 1.0.0
-- @description Where most of the prompt is cached, unless the load is out of balance.
--
-- For: few long prompts that many requests share, such as documents and agents' histories.
-- Not for: a short prompt that everybody shares: its match is always good, and one worker gets
-- it all until the balance tips. lmetric weighs both at every step.
-- Source: the router of SGLang v0.4: out of balance, the shortest queue; a good match, the best
-- match; else the emptiest cache, so that prompts spread.

local function jobs_at(worker)
  return worker.active + worker.queued
end

local function is_unbalanced(list)
  local least, most = jobs_at(list.min_by(jobs_at)), jobs_at(list.max_by(jobs_at))
  return most - least > setting("cache_apart", 4) and most > setting("cache_apart_ratio", 1.5) * least
end

function schedule_job(job, pools, workers)
  local list = workers.eligible(job)
  if list.is_empty() then return nil end
  if is_unbalanced(list) then return list.min_by(jobs_at) end
  local best = list.min_by(function(worker) return job.uncached_tokens(worker) end)
  local cached = job.prompt_tokens - job.uncached_tokens(best)
  if cached > setting("cache_match", 0.5) * job.prompt_tokens then return best end
  return list.min_by("kv_used_pct") or list.min_by("uses")
end

-- @example
-- { "context": {
--     "queue": [{ "id": "job", "model_ref": "llama", "prompt_tokens": 4000, "cached_tokens": { "b": 3500 } }],
--     "workers": [{ "id": "a", "model_ref": "llama", "status": "ready", "slots": 8, "active": 1 },
--                 { "id": "b", "model_ref": "llama", "status": "ready", "slots": 8, "active": 4 }] },
--   "expect": { "action": "dispatch", "worker_id": "b" } }
-- @example
-- { "context": {
--     "queue": [{ "id": "job", "model_ref": "llama", "prompt_tokens": 4000, "cached_tokens": { "b": 3500 } }],
--     "workers": [{ "id": "a", "model_ref": "llama", "status": "ready", "slots": 8, "active": 1 },
--                 { "id": "b", "model_ref": "llama", "status": "ready", "slots": 8, "active": 6 }] },
--   "expect": { "action": "dispatch", "worker_id": "a" } }
