-- @name actions @version 2.1.0
-- Compiled from YAML rules.

-- Is a worker with this model on its way? Then another would be one too many.
local function is_starting(workers, model)
  return workers.any(function(worker)
    return worker.model_ref == model and worker.status == "starting"
  end)
end

-- What the platform policy decides about one job; nil: it waits.
local function platform_decision(job)
  local answer = platform.schedule_job(job)
  if answer and answer.id then
    return { action = "dispatch", job_id = job.id, worker_id = answer.id }
  end
  return answer and answer.action ~= "wait" and answer or nil
end

-- The platform policy decides, but not about jobs that a rule has decided.
local function platform_rest(context, decided, waiting)
  if not next(decided) then
    return platform.schedule(context)
  end
  for _, job in ipairs(context.queue) do
    local decision = not decided[job.id] and platform_decision(job)
    if decision then
      return decision
    end
  end
  return waiting
end

function schedule(context)
  local now = local_time(context.now_ms)
  local decided, waiting = {}, nil

  -- Rule: hold "batch" by day (priority 90)
  if now.hour >= 8 and now.hour < 18 then
    for _, job in ipairs(context.queue) do
      if not decided[job.id] and job.priority == "batch" then
        decided[job.id] = true
        waiting = waiting or { action = "wait", job_id = job.id, reason = "by night\nonly", retry_after_ms = 60000 }
      end
    end
  end

  -- Rule: too long (priority 80)
  for _, job in ipairs(context.queue) do
    if not decided[job.id]
        and type(job.prompt_tokens) == "number" and job.prompt_tokens > 100000 then
      return { action = "reject", job_id = job.id, code = "prompt_too_long", status = 403 }
    end
  end

  -- Rule: seeded by the platform (priority 70)
  for _, job in ipairs(context.queue) do
    if not decided[job.id] and job.seed ~= nil then
      decided[job.id] = true
      local decision = platform_decision(job)
      if decision then
        return decision
      end
    end
  end

  -- Rule: anywhere (priority 60)
  for _, job in ipairs(context.queue) do
    if not decided[job.id] then
      local worker = context.workers.eligible(job).lmetric(job)
      if worker then
        return { action = "dispatch", job_id = job.id, worker_id = worker.id }
      end
    end
  end

  -- Rule: start the job's model (priority 50)
  if type(context.metrics.free_vram_mb) == "number" and context.metrics.free_vram_mb > 8000 then
    for _, job in ipairs(context.queue) do
      if not decided[job.id] then
        local model = job.model_ref
        if not is_starting(context.workers, model) then
          return { action = "start_worker", start_worker = { model_ref = model }, reason = "start the job's model" }
        end
      end
    end
  end

  -- Rule: start a fixed one (priority 40)
  if context.metrics.ready_workers == 0 then
    local model = "hf:org/m"
    if not is_starting(context.workers, model) then
      return { action = "start_worker", start_worker = { model_ref = model, pool_id = "gpu-box", gpu_id = 1 }, reason = "start a fixed one" }
    end
  end

  -- Rule: make room (priority 30)
  if type(context.metrics.queue_depth) == "number" and context.metrics.queue_depth > 5 then
    local victim = find_worker_to_evict("gdsf")
    if victim then
      return { action = "evict", worker_id = victim.id, reason = "make room" }
    end
  end

  -- Rule: evict one (priority 20)
  if context.workers.any(function(worker) return worker.status == "failed" end) then
    local victim = context.workers.filter(function(worker) return worker.id == "gpu0" and worker.active == 0 end).first()
    if victim then
      return { action = "evict", worker_id = victim.id, reason = "evict one" }
    end
  end

  -- No rule decides: the platform policy does.
  return platform_rest(context, decided, waiting)
end
