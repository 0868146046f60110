-- @name batch-most-vram-free
-- @version 1.0.0
-- @description Batch jobs to the worker with most free GPU memory; the rest to the platform policy.
--
-- For: long batch jobs beside chats: they go where most memory is left for their caches.
-- Not for: batch work that must never be in the way; see night-batch.
-- Source: rbee's specification of the programmable scheduler, as printed there.

function schedule(context)
  -- Rule 1: Batch jobs to most-vram-free workers
  for _, job in ipairs(context.queue) do
    if job.priority == "batch" then
      local worker = context.helpers.find_worker_most_vram_free(job.model_ref)
      if worker then
        return { action = "dispatch", job_id = job.id, worker_id = worker.id }
      end
    end
  end

  -- Fallback to platform scheduler
  return platform.schedule(context)
end

-- @example
-- { "context": {
--     "queue": [{ "id": "chat", "model_ref": "llama", "priority": "interactive" },
--               { "id": "batch", "model_ref": "llama", "priority": "batch" }],
--     "workers": [
--       { "id": "tight", "model_ref": "llama", "status": "ready", "slots": 4, "total_vram_mb": 24000, "vram_mb": 20000 },
--       { "id": "roomy", "model_ref": "llama", "status": "ready", "slots": 4, "total_vram_mb": 24000, "vram_mb": 8000 }] },
--   "expect": { "action": "dispatch", "job_id": "batch", "worker_id": "roomy" } }
