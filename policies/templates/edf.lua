-- @name edf
-- @version 1.0.0
-- @description The job whose deadline comes first.
--
-- For: requests with deadlines or a time to the first token (`x-slo-ttft-ms`), as long as all can
-- be met.
-- Not for: overload, where everything is late: it then works on what is lost already. The
-- platform policy refuses what cannot be in time when it comes.
-- Source: earliest deadline first (Liu and Layland 1973). It is also what the queue's own order
-- does within a tenant; here it holds across all of them.

local function due_in_ms(job)
  local first_token = job.slo_ttft_ms and job.slo_ttft_ms - job.wait_ms or math.maxinteger
  return math.min(job.deadline, first_token)
end

-- Where it finds no room, others of its model may.
local function is_choosy(job)
  return job.pinned_worker_id or job.pinned_pool_id or job.retry_count > 0
end

function schedule(context)
  local full = {}
  for _, job in ipairs(context.queue.sort_by(due_in_ms)) do
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
--     "queue": [{ "id": "whenever", "model_ref": "llama", "wait_ms": 5000 },
--               { "id": "soon", "model_ref": "llama", "deadline_ms": 4000 },
--               { "id": "now", "model_ref": "llama", "slo_ttft_ms": 2000, "wait_ms": 500 }],
--     "workers": [{ "id": "w", "model_ref": "llama", "status": "ready", "slots": 1 }] },
--   "expect": { "action": "dispatch", "job_id": "now", "worker_id": "w" } }
