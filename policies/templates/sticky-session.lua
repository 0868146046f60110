-- @name sticky-session
-- @version 1.0.0
-- @description A conversation stays on its worker, for as long as that is not too full.
--
-- For: chats, whose every turn repeats all turns before: the worker that had the last one has
-- them in its cache.
-- Not for: single requests, which have no session; then it is least-loaded.
-- Source: session affinity of proxies, bounded, so that a popular worker loses its guests.

function schedule_job(job, pools, workers)
  local held = workers.with_model(job.model_ref)
  local home = job.session_worker_id and held.find(job.session_worker_id)
  if home then
    local can, why = job.can_run_on(home)
    if can then return home end
    -- About as long as computing the conversation anew would take.
    if why == "no_room" and job.wait_ms < setting("sticky_patience_ms", 2000) then
      return wait("its session's worker is full", 200)
    end
  end
  return held.eligible(job).least_loaded()
end

-- @example
-- { "context": {
--     "queue": [{ "id": "job", "model_ref": "llama", "session_id": "chat-7", "session_worker_id": "b" }],
--     "workers": [{ "id": "a", "model_ref": "llama", "status": "ready", "slots": 4 },
--                 { "id": "b", "model_ref": "llama", "status": "ready", "slots": 4, "active": 3 }] },
--   "expect": { "action": "dispatch", "worker_id": "b" } }
-- @example
-- { "context": {
--     "queue": [{ "id": "job", "model_ref": "llama", "session_worker_id": "b", "wait_ms": 3000 }],
--     "workers": [{ "id": "a", "model_ref": "llama", "status": "ready", "slots": 4 },
--                 { "id": "b", "model_ref": "llama", "status": "ready", "slots": 4, "active": 4 }] },
--   "expect": { "action": "dispatch", "worker_id": "a" } }
