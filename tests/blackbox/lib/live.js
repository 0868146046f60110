// A queen with named fake workers, and policies that are deployed on her.
import assert from "node:assert/strict";
import { admin } from "./policy.js";
import { asStatic, startFake, startQueen } from "./world.js";
import { until } from "./wait.js";

export const model = "fake-7b";
export const messages = [{ role: "user", content: "hi" }];

// `workers`: {id: {slots, model, knobs, labels}}. Gives the queen, the fakes by id, the
// administrators' calls, and what tests do most.
export async function liveWorld(t, workers = { w1: {} }, options = {}) {
  const fakes = {};
  const flags = [];
  for (const [id, { knobs = {}, labels = {}, slots = 4, model: name = model }] of Object.entries(workers)) {
    fakes[id] = await startFake(t, { id, knobs: { slots, ...knobs } });
    const words = Object.entries(labels).map(([key, value]) => `,label.${key}=${value}`);
    flags.push(`${asStatic(fakes[id], { model: name, slots })},id=${id}${words.join("")}`);
  }
  const queen = await startQueen(t, { worker: flags, ...options });
  for (const name of new Set(Object.values(workers).map((one) => one.model ?? model))) {
    const count = Object.values(workers).filter((one) => (one.model ?? model) === name).length;
    await queen.untilReadyFor(name, count);
  }
  return { queen, fakes, ...admin(queen), ...calls(queen) };
}

export const calls = (queen) => ({
  chat: (change = {}, headers = {}) => queen.post("/v1/chat/completions", { model, messages, max_tokens: 1, ...change }, headers),

  // Submits a native job: its id.
  async submit(change = {}) {
    const { status, body } = await queen.post("/v1/jobs", { operation: "infer", model, prompt: "hi", max_tokens: 1, ...change });
    assert.equal(status, 200, JSON.stringify(body));
    return body.job_id;
  },

  status: async (jobId) => (await queen.get(`/v1/jobs/${jobId}`)).body.status,

  async untilDone(jobId) {
    await until(`${jobId} is done`, async () => (await queen.get(`/v1/jobs/${jobId}`)).body.status === "done");
    return (await queen.get(`/v1/jobs/${jobId}`)).body;
  },

  // A busy machine may be unable to try a policy out: then it is asked again.
  async deploy(source, { language = "lua", name = "mine", ...more } = {}) {
    let answer;
    await until(`${name} is tried out`, async () => {
      answer = await admin(queen).post("deploy", { name, language, source, ...more });
      return answer.status !== 503;
    });
    assert.equal(answer.status, 201, JSON.stringify(answer.body));
    return answer.body;
  },
});

export const workerOf = (answer) => answer.headers.get("x-rbee-worker");
export const policyOf = (answer) => answer.headers.get("x-rbee-policy");
