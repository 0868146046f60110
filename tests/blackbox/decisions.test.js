// Seeing inside: what was decided, from what, why, and what another policy would have done.
import assert from "node:assert/strict";
import { test } from "node:test";
import { admin, simulate, toIdle } from "./lib/policy.js";
import { until } from "./lib/wait.js";
import { asStatic, startFake, startQueen } from "./lib/world.js";

const chat = (change) => ({ model: "fake-7b", messages: [{ role: "user", content: "hi" }], max_tokens: 2, ...change });
const infer = { operation: "infer", model: "fake-7b", prompt: "hi", max_tokens: 2 };
const never = "function schedule_job(job) return wait('not today') end";

async function world(t, { slots = 1, knobs = {}, options = {} } = {}) {
  const fake = await startFake(t, { knobs: { slots, ...knobs } });
  const queen = await startQueen(t, { worker: asStatic(fake, { slots }), ...options });
  await queen.untilReadyFor("fake-7b");
  return { fake, queen, ...admin(queen) };
}

async function finished(queen, job) {
  const { body } = await queen.post("/v1/jobs", job);
  await until("the job has ended", async () => (await queen.get(`/v1/jobs/${body.job_id}`)).body.status === "done");
  return body.job_id;
}

test("a decision is recorded with its candidates, its outcome and its whole context", async (t) => {
  const { queen, get } = await world(t);
  const jobId = await finished(queen, infer);
  const { status, body } = await get(`decisions?job_id=${jobId}`);
  assert.equal(status, 200);
  const record = body.decisions.find((one) => one.decision.action === "dispatch");
  assert.equal(record.job_id, jobId);
  assert.equal(record.policy, "platform");
  assert.equal(record.outcome, "decision");
  assert.match(record.inputs_hash, /^[0-9a-f]{16}$/);
  assert.deepEqual(record.candidates.map((one) => one.verdict), ["ok"]);
  const { body: whole } = await get(`decisions/${record.id}`);
  assert.equal(whole.id, record.id);
  assert.equal(whole.context.workers[0].id, record.decision.worker_id);
  assert.equal(whole.context.workers[0].active, 0, "as it was then");
});

test("the context of a decision about one job holds that job, and decides the same again", async (t) => {
  const { queen, get, post } = await world(t);
  const source = "function schedule_job(job, pools, workers) return workers.with_model(job.model).first() end";
  assert.equal((await post("deploy", { name: "first", language: "lua", source })).status, 201);
  const jobId = await finished(queen, infer);
  const { body } = await get(`decisions?job_id=${jobId}`);
  const { context, decision } = (await get(`decisions/${body.decisions[0].id}`)).body;
  assert.deepEqual(context.queue.map((one) => one.id), [jobId]);
  assert.deepEqual([body.decisions[0].policy, body.decisions[0].version], ["first", 1]);
  const { summary } = (await get(`explain?job_id=${jobId}`)).body;
  assert.equal(summary, `It is done: 'first' sent it to worker '${decision.worker_id}'.`);
  const again = await post("simulate", { language: "lua", source, context });
  assert.equal(again.status, 200, JSON.stringify(again.body));
  assert.deepEqual([again.body.calls[0].decision.worker_id, decision.action], [decision.worker_id, "dispatch"]);
});

test("decisions come newest first, as many as wanted", async (t) => {
  const { queen, get } = await world(t);
  for (let i = 0; i < 3; i++) await finished(queen, infer);
  const { body } = await get("decisions?limit=2");
  assert.equal(body.decisions.length, 2);
  assert.ok(body.decisions[0].id > body.decisions[1].id);
  assert.deepEqual((await get("decisions?job_id=job-nobody")).body.decisions, []);
  for (const [path, status] of [["decisions?limit=0", 400], ["decisions?limit=many", 400], ["decisions?page=1", 400], ["decisions/0", 404], ["decisions/x", 400], ["decisions/99999", 404]]) {
    assert.equal((await get(path)).status, status, path);
  }
});

test("a waiting job is explained: its place, its candidates, what was decided about it", async (t) => {
  const { fake, queen, get } = await world(t, { knobs: { hang: "first_token" } });
  const { body: running } = await queen.post("/v1/jobs", infer);
  await until("the first job runs", async () => (await fake.state()).active === 1);
  const { body: waiting } = await queen.post("/v1/jobs", infer);
  const { status, body } = await get(`explain?job_id=${waiting.job_id}`);
  assert.equal(status, 200, JSON.stringify(body));
  assert.equal(body.state, "queued");
  assert.equal(body.position, 1);
  assert.deepEqual(body.verdicts, { no_room: 1 });
  assert.deepEqual(body.candidates.map((one) => one.verdict), ["no_room"]);
  assert.match(body.summary, /waits at position 1/);
  const [candidate] = body.candidates;
  const narrowed = await get(`explain?job_id=${waiting.job_id}&worker_id=${candidate.worker_id}`);
  assert.match(narrowed.body.summary, /slots are taken/);
  const there = await get(`explain?job_id=${running.job_id}`);
  assert.match(there.body.state, /dispatched|streaming/);
  assert.equal(there.body.worker_id, candidate.worker_id);
  assert.equal(there.body.decisions.find((one) => one.decision.action === "dispatch").decision.worker_id, candidate.worker_id);
  assert.equal((await get("explain")).status, 400);
  assert.equal((await get("explain?job_id=job-nobody")).status, 404);
  assert.equal((await get(`explain?job_id=${waiting.job_id}&worker_id=nobody`)).status, 404);
  for (const job of [waiting, running]) await queen.delete(`/v1/jobs/${job.job_id}`);
});

test("a replay tells where another policy would have decided otherwise", async (t) => {
  const { queen, get, post } = await world(t);
  const ids = [];
  for (let i = 0; i < 3; i++) ids.push(await finished(queen, infer));
  for (const [name, source] of [["same", toIdle], ["never", never], ["broken", "function schedule_job(job) error('no') end"]]) {
    const { status, body } = await queen.post("/v1/jobs", { operation: "policy_save", name, language: "lua", source });
    if (name !== "broken") assert.equal(status, 200, JSON.stringify(body));
  }
  const { body: page } = await get(`decisions?job_id=${ids[1]}`);
  const dispatched = page.decisions.find((one) => one.decision.action === "dispatch");
  const one = await post("replay", { decision_id: dispatched.id, policy: "never" });
  assert.equal(one.status, 200, JSON.stringify(one.body));
  assert.deepEqual([one.body.replayed, one.body.same, one.body.unavailable], [1, 0, 0]);
  const [difference] = one.body.differences;
  assert.equal(difference.decision_id, dispatched.id);
  assert.equal(difference.job_id, ids[1]);
  assert.equal(difference.was.action, "dispatch");
  assert.deepEqual(difference.would_be, { action: "wait", job_id: ids[1], reason: "not today" });
  for (const policy of ["same", "platform"]) {
    const { body } = await post("replay", { decision_id: dispatched.id, policy });
    assert.deepEqual(body, { replayed: 1, unavailable: 0, same: 1, differences: [] }, policy);
  }
  const newest = (await get("decisions?limit=1")).body.decisions[0].id;
  const { body: all } = await post("replay", { from: 1, to: newest, policy: "never" });
  assert.equal(all.replayed + all.unavailable, newest);
  assert.ok(all.differences.length >= 3);
  assert.equal((await post("replay", { decision_id: 1, policy: "nobody" })).status, 404);
  assert.equal((await post("replay", { policy: "never" })).status, 400);
});

test("a policy that fails leaves a record of why, and the job runs all the same", async (t) => {
  const { queen, get, post } = await world(t);
  const source = "function schedule_job(job, pools, workers)\n  log.info('hello')\n  if job.labels.fail then error('no luck') end\n  return workers.idle().first()\nend";
  const deployed = await post("deploy", { name: "home", language: "lua", source });
  assert.equal(deployed.status, 201, JSON.stringify(deployed.body));
  const jobId = await finished(queen, { ...infer, labels: { fail: "yes" } });
  const { body } = await get(`decisions?job_id=${jobId}`);
  const failed = body.decisions.find((one) => one.outcome === "fallback");
  assert.equal(failed.reason, "error");
  assert.equal(failed.asked_policy, "home");
  assert.equal(failed.line, 3);
  assert.deepEqual(failed.log, ["info hello"]);
  assert.equal(failed.decision.action, "dispatch");
  const good = await finished(queen, infer);
  const { body: page } = await get(`decisions?job_id=${good}`);
  assert.equal(page.decisions.find((one) => one.decision.action === "dispatch").policy, "home");
});

test("a recorded context can be simulated again", async (t) => {
  const { queen, get } = await world(t);
  const jobId = await finished(queen, infer);
  const { body: page } = await get(`decisions?job_id=${jobId}`);
  const { body: whole } = await get(`decisions/${page.decisions.at(-1).id}`);
  const [call] = await simulate(queen, toIdle, { jobs: [{ id: "j1", model_ref: "fake-7b" }], workers: whole.context.workers });
  assert.equal(call.outcome, "decision", call.message);
  assert.equal(call.decision.worker_id, whole.context.workers[0].id);
  assert.equal((await queen.post("/v1/chat/completions", chat())).status, 200);
});
