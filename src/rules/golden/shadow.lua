-- @name shadow
-- Compiled from YAML rules.

-- Is a worker with this model on its way? Then another would be one too many.
local function is_starting(workers, model)
  return workers.any(function(worker)
    return worker.model_ref == model and worker.status == "starting"
  end)
end

function schedule(context)
  -- Rule: try cheapest (priority 0) (shadow: tells what it would do, decides nothing)
  for _, job in ipairs(context.queue) do
    if job.priority == "batch" then
      local worker = context.workers.eligible(job).min_by("cost_per_token")
      if worker then
        log.info("shadow rule 'try cheapest': would dispatch job " .. tostring(job.id) .. " to " .. tostring(worker.id))
        break
      end
    end
  end

  -- Rule: try to refuse (priority 0) (shadow: tells what it would do, decides nothing)
  for _, job in ipairs(context.queue) do
    if type(job.retry_count) == "number" and job.retry_count > 2 then
      log.info("shadow rule 'try to refuse': would reject job " .. tostring(job.id))
      break
    end
  end

  -- Rule: try to evict (priority 0) (shadow: tells what it would do, decides nothing)
  do
    local victim = find_worker_to_evict("lru")
    if victim then
      log.info("shadow rule 'try to evict': would evict worker " .. tostring(victim.id))
    end
  end

  -- Rule: try to start (priority 0) (shadow: tells what it would do, decides nothing)
  do
    local model = "m"
    if not is_starting(context.workers, model) then
      log.info("shadow rule 'try to start': would start a worker with " .. tostring(model))
    end
  end

  -- No rule decides: the platform policy does.
  return platform.schedule(context)
end
