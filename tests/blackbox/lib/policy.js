// The administrators' calls about policies, and a small world to try them on.

const prefix = "/v2/admin/scheduler";

export const admin = (queen) => ({
  get: (path) => queen.get(`${prefix}/${path}`),
  post: (path, body) => queen.post(`${prefix}/${path}`, body),
});

// A context with `jobs` and `workers` as POLICY-API has them; facts that are not given are not there.
export const context = ({ jobs = [{ id: "j1", model_ref: "m" }], workers = [] } = {}) => ({ queue: jobs, workers });
export const idle = (id, facts = {}) => ({ id, model_ref: "m", status: "ready", slots: 1, active: 0, ...facts });

// Simulates `source` and gives the calls.
export async function simulate(queen, source, { language = "lua", calls = 1, ...world } = {}) {
  const { status, body } = await admin(queen).post("simulate", { language, source, calls, context: context(world) });
  if (status !== 200) throw new Error(JSON.stringify(body));
  return body.calls;
}

export const toIdle = `function schedule(context)
  local job = context.queue[1]
  local worker = job and context.workers.with_model(job.model_ref).idle().first()
  return worker and { action = "dispatch", job_id = job.id, worker_id = worker.id } or nil
end
`;
