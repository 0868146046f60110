-- @name batch-optimized
-- Compiled from YAML rules.

function schedule(context)
  -- Rule: batch-to-most-vram (priority 0)
  for _, job in ipairs(context.queue) do
    if job.priority == "batch" then
      local worker = context.workers.eligible(job).most_vram_free()
      if worker then
        return { action = "dispatch", job_id = job.id, worker_id = worker.id }
      end
    end
  end

  -- No rule decides: the platform policy does.
  return platform.schedule(context)
end
