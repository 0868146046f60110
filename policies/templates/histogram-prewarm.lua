-- @name histogram-prewarm
-- @version 1.0.0
-- @description Learns after how many minutes a model is wanted again, and loads it just before.
--
-- For: models with a rhythm: the report at every full hour, the nightly run.
-- Not for: rare or random use; and what it has learned is forgotten when its host is replaced.
-- Source: "Serverless in the Wild" (ATC '20): a histogram of idle times per function; warm from
-- its 5th to its 99th percentile. A policy is asked only while jobs wait: other models' traffic
-- is its clock.

local MINUTE_MS = 60000
local MINUTES = 240 -- longer gaps count as this
local wanted_ms, gaps = {}, {}

local function learn(model)
  local before, now = wanted_ms[model.ref], model.last_wanted_ms
  wanted_ms[model.ref] = now
  if not before or now <= before then return end
  local minutes = math.min((now - before) // MINUTE_MS, MINUTES)
  local own = gaps[model.ref] or { total = 0 }
  own[minutes] = (own[minutes] or 0) + 1
  own.total = own.total + 1
  gaps[model.ref] = own
end

-- So many minutes after its last use, this share of its returns had come.
local function percentile(own, share)
  local sum = 0
  for minutes = 0, MINUTES do
    sum = sum + (own[minutes] or 0)
    if sum >= share * own.total then return minutes end
  end
end

local function is_due(model, now_ms)
  local own = gaps[model.ref]
  if not own or own.total < setting("prewarm_min_returns", 5) then return false end
  local idle = (now_ms - model.last_wanted_ms) / MINUTE_MS
  return idle >= percentile(own, 0.05) - 1 and idle <= percentile(own, 0.99)
end

function schedule(context)
  local actions = { platform.schedule(context) }
  for _, model in ipairs(context.models) do
    learn(model)
    local pool = is_due(model, context.now_ms) and model.workers.is_empty() and model.starting == 0
      and context.pools.filter(function(pool)
        return pool.status == "healthy" and pool.has_model(model) and model.fits(pool)
      end).first()
    if pool then
      actions[#actions + 1] = {
        action = "start_worker",
        start_worker = { model_ref = model.ref, pool_id = pool.id },
        reason = "wanted again soon",
      }
    end
  end
  return actions
end

-- Wanted every ten minutes, three times; then nine and a half minutes pass.
-- @example
-- [{ "context": { "now_ms": 1700000000000, "models": [{ "ref": "llama", "last_wanted_ms": 1700000000000 }],
--      "config": { "prewarm_min_returns": 2 } }, "expect": { "action": "wait" } },
--  { "context": { "now_ms": 1700000600000, "models": [{ "ref": "llama", "last_wanted_ms": 1700000600000 }],
--      "config": { "prewarm_min_returns": 2 } }, "expect": { "action": "wait" } },
--  { "context": { "now_ms": 1700001200000, "models": [{ "ref": "llama", "last_wanted_ms": 1700001200000 }],
--      "config": { "prewarm_min_returns": 2 } }, "expect": { "action": "wait" } },
--  { "context": { "now_ms": 1700001770000, "config": { "prewarm_min_returns": 2 },
--      "pools": [{ "id": "attic", "cached_models": ["llama"], "ram_free_mb": 16000 }],
--      "models": [{ "ref": "llama", "last_wanted_ms": 1700001200000, "vram_required_mb": 6000 }] },
--    "expect": { "action": "start_worker", "start_worker": { "model_ref": "llama", "pool_id": "attic" } } }]
