-- @name determinism-seeded-first
-- @version 1.0.0
-- @description Jobs with a seed first, to the best worker; the rest to the platform policy.
--
-- For: tests and papers, whose requests carry a seed and want the same answer again.
-- Not for: everybody at once: who sets a seed passes all others.
-- Source: rbee's specification of the programmable scheduler, as printed there.

function schedule(context)
  local queue = context.queue
  local pools = context.pools

  -- Custom logic: prioritize jobs with seed for determinism
  for _, job in ipairs(queue) do
    if job.seed ~= nil then
      local worker = find_best_worker(pools, job.model_ref)
      if worker then
        return {
          action = "dispatch",
          job_id = job.id,
          worker_id = worker.id
        }
      end
    end
  end

  -- Fallback to platform scheduler
  return platform.schedule(context)
end

-- @example
-- { "context": {
--     "queue": [{ "id": "first", "model_ref": "llama" }, { "id": "seeded", "model_ref": "llama", "seed": 42 }],
--     "pools": [{ "id": "attic", "workers": [{ "id": "w", "model_ref": "llama", "status": "ready", "slots": 1 }] }] },
--   "expect": { "action": "dispatch", "job_id": "seeded", "worker_id": "w" } }
