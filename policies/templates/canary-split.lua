-- @name canary-split
-- @version 1.0.0
-- @description A small share of the traffic to workers labelled as canaries.
--
-- For: trying a new engine, quantisation or driver on real requests before all of them get it.
-- Label the new workers `track=canary`.
-- Not for: comparing answers one by one: each request is answered once. A conversation stays on
-- its side.
-- Source: canary releases; the split is by hash, so that it needs no memory.

-- From 0 to 99, the same for the same text.
local function bucket(text)
  local h = 0xcbf29ce484222325
  for i = 1, #text do
    h = (h ~ text:byte(i)) * 1099511628211
  end
  return (h >> 33) % 100
end

function schedule_job(job, pools, workers)
  local list = workers.eligible(job)
  local canaries = list.with_label("track", "canary")
  local others = list.filter(function(worker) return worker.labels.track ~= "canary" end)
  local is_chosen = bucket(job.session_id or job.id) < setting("canary_pct", 5)
  local side, rest = others, canaries
  if is_chosen then side, rest = canaries, others end
  return side.lmetric(job) or rest.lmetric(job) -- better the other side than not at all
end

-- @example
-- { "context": {
--     "queue": [{ "id": "job", "model_ref": "llama", "session_id": "chat-2" }],
--     "workers": [
--       { "id": "new", "model_ref": "llama", "status": "ready", "slots": 4, "labels": { "track": "canary" } },
--       { "id": "old", "model_ref": "llama", "status": "ready", "slots": 4, "active": 3 }] },
--   "expect": { "action": "dispatch", "worker_id": "old" } }
-- @example
-- { "context": {
--     "queue": [{ "id": "job", "model_ref": "llama", "session_id": "chat-2" }],
--     "config": { "canary_pct": 100 },
--     "workers": [
--       { "id": "new", "model_ref": "llama", "status": "ready", "slots": 4, "labels": { "track": "canary" } },
--       { "id": "old", "model_ref": "llama", "status": "ready", "slots": 4 }] },
--   "expect": { "action": "dispatch", "worker_id": "new" } }
