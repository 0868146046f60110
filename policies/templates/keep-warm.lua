-- @name keep-warm
-- @version 1.0.0
-- @description Some models are always loaded, as long as they fit; the rest as always.
--
-- For: the model that everybody uses, which nobody should have to wait for:
-- `--set keep_warm=llama-3-8b,qwen-2.5-coder`.
-- Not for: keeping others out: what is warm may be evicted when the platform policy needs its
-- place, and comes back when there is room. The label `pinned=true` holds a worker for good.
-- Source: keep-alive of every serverless platform. A policy is asked only while jobs wait, so
-- what is lost in the quiet comes back with the next rush.

local function start(ref, pools)
  local model = get_model(ref)
  if not model or model.starting > 0 or not model.workers.is_empty() then return nil end
  local pool = pools.filter(function(pool)
    return pool.status == "healthy" and pool.has_model(model) and model.fits(pool)
  end).first()
  return pool and {
    action = "start_worker",
    start_worker = { model_ref = model.ref, pool_id = pool.id },
    reason = "kept warm",
  }
end

function schedule(context)
  local actions = { platform.schedule(context) }
  for _, ref in ipairs(split(setting("keep_warm", ""), ",")) do
    actions[#actions + 1] = start(ref, context.pools)
  end
  return actions
end

-- @example
-- { "context": {
--     "config": { "keep_warm": "llama" },
--     "queue": [{ "id": "job", "model_ref": "qwen" }],
--     "pools": [{ "id": "attic", "cached_models": ["llama", "qwen"], "ram_free_mb": 16000, "workers": [
--       { "id": "w", "model_ref": "qwen", "status": "ready", "slots": 1 }] }],
--     "models": [{ "ref": "llama", "vram_required_mb": 6000 }] },
--   "expect": { "action": "batch", "actions": [
--     { "action": "dispatch", "job_id": "job", "worker_id": "w" },
--     { "action": "start_worker", "start_worker": { "model_ref": "llama", "pool_id": "attic" } }] } }
