-- @name per-job
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

-- The tenant that a job belongs to, if any.
local function tenant_of(job)
  return job.tenant_id and context.tenants.find(job.tenant_id)
end

-- Is a worker with this model on its way? Then another would be one too many.
local function is_starting(workers, model)
  return workers.any(function(worker)
    return worker.model_ref == model and worker.status == "starting"
  end)
end

function schedule_job(job, pools, workers)
  local tenant = tenant_of(job)
  local now = local_time(context.now_ms)

  -- Rule: EU only
  if field(tenant, "id") == "acme"
      and type(context.metrics.queue_depth) == "number" and context.metrics.queue_depth < 50 then
    local worker = workers.eligible(job)
      .in_region("EU")
      .least_loaded()
    return worker or wait("no worker for rule 'EU only'")
  end

  -- Rule: chain
  if now.weekday == 0 and field(job, "labels", "tier") == "gold" then
    local worker = workers.eligible(job).idle().with_label("tier", "fast").in_region("EU").with_capacity(8192).sort_by(function(worker) return field(worker, "geo", "latitude") end).take(3).warmest(job)
    return worker or wait("no worker for rule 'chain'")
  end

  -- Rule: try (shadow: tells what it would do, decides nothing)
  do
    local worker = workers.eligible(job).random()
    if worker then
      log.info("shadow rule 'try': would dispatch job " .. tostring(job.id) .. " to " .. tostring(worker.id))
    end
  end

  -- Rule: closed
  if workers.any(function(worker) return worker.status ~= "ready" end) then
    return reject("closed", 503)
  end

  -- Rule: later
  if job.retry_count == 3 then
    return wait("later", 500)
  end

  -- Rule: room
  if job.retry_count == 4 then
    local victim = workers.filter(function(worker) return worker.id == "w\"1" and worker.active == 0 end).first()
    if victim then
      return { action = "evict", worker_id = victim.id, reason = "room" }
    end
    return wait("nothing to evict for rule 'room'")
  end

  -- Rule: start
  if job.retry_count == 5 then
    local model = job.model_ref
    if not is_starting(workers, model) then
      return { action = "start_worker", start_worker = { model_ref = model, pool_id = "p" }, reason = "start" }
    end
    return wait("a worker is starting for rule 'start'")
  end

  -- Rule: platform
  if job.retry_count == 6 then
    return platform.schedule_job(job)
  end

  -- No rule decides: the platform policy does.
  return platform.schedule_job(job)
end
