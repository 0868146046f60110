// Policies by mistake or on purpose: whatever they do, the queen and the streams of others
// do not notice, and the next job is placed.
import assert from "node:assert/strict";
import { test } from "node:test";
import { isSanitised, suiteScope } from "./lib/daemon.js";
import { GapMeter } from "./lib/gap_meter.js";
import { childrenOf, corpus, killChildren, median, world } from "./lib/hostile.js";
import { admin, toIdle } from "./lib/policy.js";
import { until } from "./lib/wait.js";
import { asStatic, startFake, startQueen } from "./lib/world.js";

const HOSTS_MAX = 64;
const messages = [{ role: "user", content: "hi" }];
const chat = { model: "fake-7b", messages, max_tokens: 1 };

// --- Tried out -------------------------------------------------------------------

const tryout = await startQueen(suiteScope());
const try_ = admin(tryout).post;

const outcomeOf = (call) => (call.outcome === "decision" ? "decision" : call.reason);

test("the corpus is as large as it was promised to be", () => {
  assert.ok(corpus.length >= 60, `${corpus.length} scripts`);
});

// What hooks would do is seen when they are deployed: simulations ask for decisions.
for (const { name, language, source, expected, ask } of corpus) {
  const outcomes = ask ? ["decision"] : expected;
  test(`simulated, ${name} ends in ${outcomes.join(" or ")}`, async () => {
    const { status, body } = await try_("simulate", { language, source, calls: 2, context: world });
    assert.equal(status, 200, JSON.stringify(body));
    for (const call of body.calls) {
      assert.ok(outcomes.includes(outcomeOf(call)), JSON.stringify(call));
      if (call.outcome === "fallback") assert.equal(call.decision.worker_id, "w-1", "the platform policy decides instead");
    }
  });
}

test("the queen answers others while policies hang in simulations", async () => {
  const source = "function schedule() while true do end end";
  const leave = new AbortController();
  const hangs = tryout
    .stream("POST", "/v2/admin/scheduler/simulate", { language: "lua", source, calls: 1000 }, { signal: leave.signal })
    .catch(() => "left");
  await until("a host runs", async () => (await tryout.metric("rbee_policy_hosts")) > 0);
  for (let i = 0; i < 20; i++) assert.equal((await tryout.get("/health")).status, 200);
  leave.abort();
  assert.equal(await hangs, "left");
});

test("no host is left behind by simulations", async () => {
  await until("they are gone", () => childrenOf(tryout.pid).length === 0);
  assert.equal(await tryout.metric("rbee_policy_hosts"), 0);
});

// --- Deployed ----------------------------------------------------------------------

// Are policies that must come to this refused before they decide?
const isAlwaysRefused = ({ expected }) => expected.every((outcome) => ["load", "timeout", "memory", "error"].includes(outcome));

async function liveWorld(t) {
  const fake = await startFake(t);
  const queen = await startQueen(t, { worker: asStatic(fake) });
  await queen.untilReadyFor("fake-7b");
  return { fake, queen, ...admin(queen) };
}

// A busy machine may be unable to try a policy: that says nothing about it.
async function deploy({ post }, policy) {
  let answer;
  await until(`${policy.name} is tried`, async () => {
    answer = await post("deploy", policy);
    return answer.status !== 503;
  });
  return answer;
}

const newestDecision = async ({ get }) => (await get("decisions?limit=1")).body.decisions[0]?.id ?? 0;
const stateOf = async ({ queen }, jobId) => (await queen.get(`/v1/jobs/${jobId}`)).body.status;
const activeOf = async ({ get }) => (await get("policies")).body.active;

// Deploys a script; whatever comes of it, the job behind it is placed: at once where the
// script was refused, at the latest when it is rolled back where it may make the job wait.
async function deployAndServe(live, script) {
  const before = await activeOf(live);
  const { status, body } = await deploy(live, { name: "hostile", language: script.language, source: script.source });
  if (isAlwaysRefused(script)) assert.equal(status, 422, JSON.stringify(body));
  assert.ok(status === 201 || status === 422, `${status}: ${JSON.stringify(body)}`);
  if (status === 422) {
    assert.ok(body.diagnostics.some((one) => one.severity === "error" && one.message), JSON.stringify(body));
    assert.deepEqual(await activeOf(live), before);
    assert.equal((await live.queen.post("/v1/chat/completions", chat)).status, 200);
    return status;
  }
  const decided = await newestDecision(live);
  const answer = await live.queen.post("/v1/jobs", { operation: "infer", model: "fake-7b", prompt: "hi", max_tokens: 1 });
  assert.ok([200, 403].includes(answer.status), JSON.stringify(answer.body));
  if (answer.status === 200) await until("it is asked", async () => (await newestDecision(live)) > decided);
  assert.equal((await live.post("rollback", { name: "platform" })).status, 200);
  if (answer.status === 200) await until("the job has ended", async () => ["done", "failed"].includes(await stateOf(live, answer.body.job_id)));
  assert.equal((await live.queen.post("/v1/chat/completions", chat)).status, 200);
  return status;
}

test("deployed under a stream, none of the corpus delays it, grows the queen, or leaves processes", async (t) => {
  const live = await liveWorld(t);
  const { queen } = live;
  await live.fake.set({ gap_ms: 10 });
  const meter = await GapMeter.start(t, `${queen.url}/v1/chat/completions`, { ...chat, stream: true, max_tokens: 1000000 });
  await live.fake.set({ gap_ms: 0 });
  const lap = async (work) => {
    await meter.lap();
    await work();
    return meter.lap();
  };

  const usual = [];
  for (let i = 0; i < 20; i++) {
    const good = { name: `good-${i}.lua`, language: "lua", expected: ["decision"], source: `-- ${i}\n${toIdle}` };
    usual.push(await lap(() => deployAndServe(live, good)));
  }
  const gaps = [];
  let earlyKb, deployed = 0;
  for (const [i, script] of corpus.entries()) {
    await t.test(script.name, async () => {
      gaps.push(await lap(async () => (deployed += (await deployAndServe(live, script)) === 201)));
      const children = childrenOf(queen.pid);
      assert.ok(children.length <= HOSTS_MAX, `${children.length} processes`);
    });
    if (i === Math.floor(corpus.length / 3)) earlyKb = queen.rssKb();
  }

  const grownKb = queen.rssKb() - earlyKb;
  t.diagnostic(`${deployed} of ${corpus.length} scripts were deployed; longest gap per script: median ${median(gaps).toFixed(1)} ms, ` +
    `longest ${Math.max(...gaps).toFixed(1)} ms; of good policies ${median(usual).toFixed(1)} ms and ${Math.max(...usual).toFixed(1)} ms; ` +
    `the queen grew by ${grownKb} KB`);
  assert.ok(median(gaps) - median(usual) <= 20, `${median(gaps)} ms, of good policies ${median(usual)} ms`);
  assert.ok(grownKb < (isSanitised ? 256 : 24) * 1024, `${grownKb} KB more`);
  await until("no host is left, alive or dead", () => childrenOf(queen.pid).length === 0);
});

// --- Good until a certain job comes ------------------------------------------------------

const busyId = "w-busy", otherId = "w-other";

// A worker with room, one without, and one of another model.
async function threeWorkers(t) {
  const [fake, busy, other] = await Promise.all([1, 2, 3].map(() => startFake(t)));
  const workers = [asStatic(fake), `${asStatic(busy, { slots: 1 })},id=${busyId}`, `${asStatic(other, { model: "other-7b" })},id=${otherId}`];
  const queen = await startQueen(t, { worker: workers });
  await queen.untilReadyFor("fake-7b", 2);
  await busy.set({ hang: "first_token" });
  await queen.post("/v1/jobs", { operation: "infer", model: "fake-7b", prompt: "hi", worker_id: busyId });
  await until("it is busy", async () => (await busy.state()).active === 1);
  return { queen, ...admin(queen) };
}

const withEvil = (evil) => `function schedule_job(job, pools, workers)
  if job.labels.evil then ${evil} end
  return workers.with_model(job.model_ref).idle().first()
end
`;
const evilRhai = `fn schedule_job(job, pools, workers) {
  if job.labels.evil == "yes" { loop {} }
  workers.with_model(job.model_ref).idle().first()
}
`;

const dispatchTo = (worker, job = "job.id") => `return { action = "dispatch", job_id = ${job}, worker_id = ${worker} }`;

const classes = [
  ["hangs", withEvil("while true do end"), ["timeout"]],
  ["hangs in string.rep and string.find", withEvil('local s = ("a"):rep(1000000) while true do s:find(("a?"):rep(28) .. ("a"):rep(28)) end'), ["timeout", "memory", "error"]],
  ["hangs in one call of string.find", withEvil('string.find(("a"):rep(30), ("a?"):rep(30) .. ("a"):rep(40))'), ["timeout"]],
  ["swallows what would end it", withEvil("while true do pcall(function() while true do end end) end"), ["timeout"]],
  ["takes all the memory", withEvil('local t = {} for i = 1, 1e9 do t[i] = ("x"):rep(10000) .. i end'), ["memory", "timeout"]],
  ["fails", withEvil('error("on purpose")'), ["error"]],
  ["fails with what is no text", withEvil("error({ 1, 2 })"), ["error"]],
  ["runs out of C stack", withEvil('local function f(s) return (s:gsub(".", f)) end f("abc")'), ["error"]],
  ["answers a number", withEvil("return 7"), ["invalid"]],
  ["answers an action that is none", withEvil('return { action = "explode" }'), ["invalid"]],
  ["answers an unknown worker", withEvil(dispatchTo('"w-none"')), ["invalid"]],
  ["answers an unknown job", withEvil(dispatchTo("workers.idle().first().id", '"job-none"')), ["invalid"]],
  ["answers an id with a NUL and more behind it", withEvil(dispatchTo('workers.idle().first().id .. "\\0evil"')), ["invalid"]],
  ["answers a busy worker", withEvil(dispatchTo(`"${busyId}"`)), ["invalid"]],
  ["answers a worker of another model", withEvil(dispatchTo(`"${otherId}"`)), ["invalid"]],
  ["evicts who is busy", withEvil(`return { action = "evict", worker_id = "${busyId}" }`), ["invalid"]],
  ["writes into the job", withEvil("job.priority = 'batch'"), ["error"]],
  ["hangs in Rhai", evilRhai, ["timeout"], "rhai"],
];

// The record of how a job was placed that the policy fails for.
async function placeEvil(live) {
  const job = { operation: "infer", model: "fake-7b", prompt: "hi", max_tokens: 1, labels: { evil: "yes" } };
  const { status, body } = await live.queen.post("/v1/jobs", job);
  assert.equal(status, 200, JSON.stringify(body));
  await until("the evil job is done", async () => (await stateOf(live, body.job_id)) === "done");
  const { decisions } = (await live.get(`decisions?job_id=${body.job_id}`)).body;
  return decisions.find((one) => one.outcome === "fallback");
}

test("a policy that fails for one job: the built-in one places it, the policy places the next", async (t) => {
  const live = await threeWorkers(t);
  const { queen } = live;
  for (const [what, source, reasons, language = "lua"] of classes) {
    await t.test(what, async () => {
      const { status, body } = await deploy(live, { name: "sometimes", language, source });
      assert.equal(status, 201, JSON.stringify(body));
      // A host that got no time of the machine's is not to blame: then it says `starved`.
      const failed = await until("the policy has had its time", async () => {
        const record = await placeEvil(live);
        return record.reason !== "starved" && record;
      });
      assert.ok(reasons.includes(failed.reason), JSON.stringify(failed));
      assert.equal(failed.asked_policy, "sometimes");
      // The host that was killed has a successor; until it is ready the built-in policy decides.
      await until("the policy decides again", async () => {
        const good = await queen.post("/v1/chat/completions", chat);
        assert.equal(good.status, 200);
        return good.headers.get("x-rbee-policy").startsWith("sometimes");
      });
    });
  }
});

test("a host that is killed from outside, idle or at work, is replaced, and no job is lost", async (t) => {
  const live = await liveWorld(t);
  const { queen } = live;
  assert.equal((await deploy(live, { name: "sometimes", language: "lua", source: withEvil("while true do end") })).status, 201);
  for (const headers of [{}, { "x-rbee-label-evil": "yes" }]) {
    await until("there are hosts", () => childrenOf(queen.pid).length > 0);
    const answer = queen.post("/v1/chat/completions", chat, headers);
    killChildren(queen.pid);
    assert.equal((await answer).status, 200);
  }
  await until("the policy decides again", async () => {
    const answer = await queen.post("/v1/chat/completions", chat);
    assert.equal(answer.status, 200);
    return answer.headers.get("x-rbee-policy").startsWith("sometimes");
  }, 30000);
  await until("no dead process is kept", () => !childrenOf(queen.pid).some(({ state }) => state === "Z"));
});
