-- @name drr
-- @version 1.0.0
-- @description Tenants take turns, with a budget of tokens each.
--
-- For: shares that are easy to explain: so many tokens each, round after round.
-- Not for: large budgets: a tenant spends its whole turn before the next one is looked at, and
-- who asks little waits long. Keep the quantum near the size of a usual request, or use vtc.
-- Source: deficit round robin (Shreedhar and Varghese 1995), as in Dynamo's policy classes.
--
-- Whose turn it is and what is left of it live as long as the policy's host.

local ROUNDS = 100 -- in which even the largest job can be paid for
local deficit, turn = {}, ""

-- First jobs by tenant, and the tenants in the order of their names, from whose turn it is.
local function in_turn(queue)
  local first, names = {}, {}
  for _, job in ipairs(queue) do
    local id = job.tenant_id or ""
    if not first[id] then
      first[id], names[#names + 1] = job, id
    end
  end
  table.sort(names, function(a, b)
    if (a < turn) ~= (b < turn) then return b < turn end
    return a < b
  end)
  return first, names
end

-- A tenant's turn goes on while its budget lasts; the next one's begins with a new quantum.
function schedule(context)
  local quantum = setting("drr_quantum", 1000)
  local first, names = in_turn(context.queue)
  local blocked = {}
  for id in pairs(deficit) do
    if not first[id] then deficit[id] = nil end -- who does not wait saves nothing
  end
  for step = 0, ROUNDS * #names - 1 do
    local id = names[step % #names + 1]
    local job = first[id]
    local tokens = job.prompt_tokens + (job.predicted_tokens or 256)
    local has_turn = step == 0 and id == turn
    if not blocked[id] then
      deficit[id] = (deficit[id] or 0) + (has_turn and 0 or quantum)
    end
    if not blocked[id] and deficit[id] >= tokens then
      local worker = context.workers.eligible(job).lmetric(job)
      if worker then
        turn, deficit[id] = id, deficit[id] - tokens
        return { action = "dispatch", job_id = job.id, worker_id = worker.id }
      end
      blocked[id], deficit[id] = true, 0 -- nobody has room: nothing is earned by waiting
    end
  end
  return platform.schedule(context)
end

-- @example
-- { "context": {
--     "queue": [{ "id": "a-1", "tenant_id": "a", "model_ref": "llama", "prompt_tokens": 600 },
--               { "id": "a-2", "tenant_id": "a", "model_ref": "llama", "prompt_tokens": 600 },
--               { "id": "b-1", "tenant_id": "b", "model_ref": "llama", "prompt_tokens": 600 }],
--     "workers": [{ "id": "w", "model_ref": "llama", "status": "ready", "slots": 4 }] },
--   "expect": [{ "action": "dispatch", "job_id": "a-1" },
--              { "action": "dispatch", "job_id": "b-1" }] }
