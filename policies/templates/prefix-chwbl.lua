-- @name prefix-chwbl
-- @version 1.0.0
-- @description Equal prompts and sessions to equal workers by hashing, none above 125 % of the mean.
--
-- For: several queens that should agree without talking: the same key goes to the same worker from
-- each of them, and nothing needs to be remembered.
-- Not for: prompts that share a beginning but not a session: the key is the session, else the
-- whole prompt. lmetric knows what is cached where.
-- Source: consistent hashing with bounded loads (Mirrokni, Thorup, Zadimoghaddam 2018; HAProxy's
-- hash-balance-factor, kubeai's PrefixHash), here by rendezvous instead of a ring: the worker with
-- the greatest hash of key and name, so that one that comes or goes moves only its own keys.

-- FNV-1a over the worker's name, then mixed so that near keys part.
local function hash(key, name)
  local h = key
  for i = 1, #name do
    h = (h ~ name:byte(i)) * 1099511628211
  end
  h = (h ~ (h >> 33)) * -49064778989728563
  return (h ~ (h >> 29)) >> 1
end

local function number(text)
  return hash(0, text)
end

function schedule_job(job, pools, workers)
  local list = workers.eligible(job)
  local key = job.session_id and number(job.session_id) or job.prompt_hash
  local mean = (list.sum("active") + 1) / math.max(list.len(), 1)
  local most = math.ceil(setting("chwbl_bound", 1.25) * mean)
  local below = list.filter(function(worker) return worker.active < most end)
  return below.max_by(function(worker) return hash(key, worker.id) end)
end

-- @example
-- { "context": {
--     "queue": [{ "id": "job", "model_ref": "llama", "session_id": "chat-3" }],
--     "workers": [{ "id": "a", "model_ref": "llama", "status": "ready", "slots": 8, "active": 1 },
--                 { "id": "b", "model_ref": "llama", "status": "ready", "slots": 8, "active": 1 },
--                 { "id": "c", "model_ref": "llama", "status": "ready", "slots": 8, "active": 1 }] },
--   "expect": { "action": "dispatch", "worker_id": "a" } }
-- @example
-- { "context": {
--     "queue": [{ "id": "job", "model_ref": "llama", "session_id": "chat-3" }],
--     "workers": [{ "id": "a", "model_ref": "llama", "status": "ready", "slots": 8, "active": 6 },
--                 { "id": "b", "model_ref": "llama", "status": "ready", "slots": 8, "active": 6 },
--                 { "id": "c", "model_ref": "llama", "status": "ready", "slots": 8, "active": 1 }] },
--   "expect": { "action": "dispatch", "worker_id": "c" } }
