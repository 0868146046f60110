-- @name determinism-first @version 1.0
-- Compiled from YAML rules.

function schedule(context)
  -- Rule: prioritize-seeded-jobs (priority 100)
  for _, job in ipairs(context.queue) do
    if job.seed ~= nil then
      local worker = context.workers.eligible(job).least_loaded()
      if worker then
        return { action = "dispatch", job_id = job.id, worker_id = worker.id }
      end
    end
  end

  -- Rule: batch-jobs-low-priority (priority 50)
  for _, job in ipairs(context.queue) do
    if job.priority == "batch" then
      local worker = context.workers.eligible(job).most_vram_free()
      if worker then
        return { action = "dispatch", job_id = job.id, worker_id = worker.id }
      end
    end
  end

  -- Rule: fallback (priority 0)
  return platform.schedule(context)
end
