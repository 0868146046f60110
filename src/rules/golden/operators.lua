-- @name operators @description one of each
-- Compiled from YAML rules.

-- A field of a field; nil where there is none.
local function field(value, ...)
  for i = 1, select("#", ...) do
    local kind = type(value)
    if kind ~= "table" and kind ~= "userdata" then
      return nil
    end
    value = value[select(i, ...)]
  end
  return value
end

-- Is it part of a text, or one of a list?
local function has(value, item)
  if type(value) == "string" then
    return string.find(value, tostring(item), 1, true) ~= nil
  end
  if type(value) == "table" or type(value) == "userdata" then
    for _, each in ipairs(value) do
      if each == item then
        return true
      end
    end
  end
  return false
end

-- The tenant that a job belongs to, if any.
local function tenant_of(job)
  return job.tenant_id and context.tenants.find(job.tenant_id)
end

-- What a rule leaves of the workers with a job's model: the same for all jobs of it.
local function per_model(narrow)
  local kept = {}
  return function(job)
    local ref = job.model_ref
    if not kept[ref] then
      kept[ref] = narrow(ref == "" and context.workers or context.workers.with_model(ref))
    end
    return kept[ref]
  end
end

function schedule(context)
  local now = local_time(context.now_ms)

  -- Rule: comparisons (priority 0)
  for _, job in ipairs(context.queue) do
    if type(job.prompt_tokens) == "number" and job.prompt_tokens >= 100
        and type(job.prompt_tokens) == "number" and job.prompt_tokens < 8000
        and job.temperature == 0
        and type(job.retry_count) == "number" and job.retry_count ~= 3
        and job.session_id == nil
        and field(job, "labels", "team/name") == nil
        and (field(job, "user", "geo", "region") == "eu" or field(job, "user", "geo", "region") == "us" or field(job, "user", "geo", "region") == 7 or field(job, "user", "geo", "region") == true)
        and has(job.model_ref, 70)
        and type(job.id) == "string" and string.find(job.id, "^job%-[^\128-\191][\128-\191]*%-100%%.*$") ~= nil then
      local worker = context.workers.eligible(job).first()
      if worker then
        return { action = "dispatch", job_id = job.id, worker_id = worker.id }
      end
    end
  end

  -- Rule: groups (priority 0)
  for _, job in ipairs(context.queue) do
    local tenant = tenant_of(job)
    if (job.priority == "batch" and type(job.max_tokens) == "number" and job.max_tokens > 512 or not (job.type == "text-gen" or job.type == "embeddings") or field(tenant, "over_quota") == true and (type(context.metrics.queue_depth) == "number" and context.metrics.queue_depth > 10 or now.hour < 6)) then
      local worker = context.workers.eligible(job).least_loaded()
      if worker then
        return { action = "dispatch", job_id = job.id, worker_id = worker.id }
      end
    end
  end

  -- Rule: at night on weekends (priority 0)
  if (now.weekday == 6 or now.weekday == 0 or now.weekday == 0 or now.weekday == 0)
      and (now.hour >= 22 or now.hour < 6)
      and type(context.metrics.free_vram_mb) == "number" and context.metrics.free_vram_mb > 1500 then
    local candidates = per_model(function(workers)
      return workers
        .in_region("eu").filter(function(worker) return field(get_pool(worker.pool_id), "status") == "healthy" end)
        .filter(function(worker) return type(worker.gpus) == "number" and worker.gpus >= 2 and field(worker, "labels", "tier") ~= "slow" end)
    end)
    for _, job in ipairs(context.queue) do
      if job.priority == "interactive" then
        local worker = candidates(job).eligible(job).power_of_two()
        if worker then
          return { action = "dispatch", job_id = job.id, worker_id = worker.id }
        end
      end
    end
  end

  -- Rule: by text (priority 0)
  do
    local candidates = per_model(function(workers)
      return workers
        .filter(function(worker) return worker.pinned ~= true and (worker.backend == "cuda" or has(worker.capabilities, "image-gen")) end)
    end)
    for _, job in ipairs(context.queue) do
      local worker = candidates(job).eligible(job).min_by(function(worker) return (worker.estimated_time or estimate_job_duration(job, worker)) end)
      if worker then
        return { action = "dispatch", job_id = job.id, worker_id = worker.id }
      end
    end
  end

  -- Rule: by what sets can tell (priority 0)
  do
    local candidates = per_model(function(workers)
      return workers
        .with_label("rack", "2")
        .in_region("EU").with_capacity(8000).with_label("tier", "gold")
    end)
    for _, job in ipairs(context.queue) do
      if job.priority == "batch" then
        local worker = candidates(job).eligible(job).least_loaded()
        if worker then
          return { action = "dispatch", job_id = job.id, worker_id = worker.id }
        end
      end
    end
  end

  -- Rule: asked once (priority 0)
  if context.workers.any(function(worker) return worker.status == "failed" end) then
    for _, job in ipairs(context.queue) do
      if job.priority == "batch" then
        return { action = "reject", job_id = job.id, code = "not_now" }
      end
    end
  end

  -- No rule decides: the platform policy does.
  return platform.schedule(context)
end
