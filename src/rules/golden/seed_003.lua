-- Compiled from YAML rules.

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

function schedule_job(job, pools, workers)
  -- Rule: Large models to multi-GPU
  if has(job.model_ref, "70b") then
    local worker = workers.eligible(job)
      .filter(function(worker) return type(worker.gpus) == "number" and worker.gpus > 1 end)
      .first()
    return worker or wait("no worker for rule 'Large models to multi-GPU'")
  end

  -- Rule: Image gen to CUDA
  if job.type == "image-gen" then
    local worker = workers.eligible(job)
      .filter(function(worker) return worker.backend == "cuda" end)
      .least_loaded()
    return worker or wait("no worker for rule 'Image gen to CUDA'")
  end

  -- Rule: Default to cheapest
  local worker = workers.eligible(job).min_by("cost_per_token")
  return worker or wait("no worker for rule 'Default to cheapest'")
end
