// Trying policies out: what they would decide, whether they are fit to run, what they become.
import assert from "node:assert/strict";
import { test } from "node:test";
import { suiteScope } from "./lib/daemon.js";
import { admin, context, idle, simulate, toIdle } from "./lib/policy.js";
import { until } from "./lib/wait.js";
import { startQueen } from "./lib/world.js";

const queen = await startQueen(suiteScope());
const post = admin(queen).post;
const two = { workers: [idle("w1", { active: 1 }), idle("w2")] };

test("a simulated policy decides over the context that it is given", async () => {
  const [call] = await simulate(queen, toIdle, two);
  assert.equal(call.outcome, "decision");
  assert.equal(call.reason, null);
  assert.deepEqual(call.decision, { action: "dispatch", job_id: "j1", worker_id: "w2" });
  assert.ok(call.time_us >= 0 && Array.isArray(call.log));
  assert.deepEqual((await simulate(queen, toIdle))[0].decision, { action: "wait" }, "no worker");
  assert.deepEqual((await simulate(queen, toIdle, { jobs: [] }))[0].decision, { action: "wait" }, "no job");
  const { body } = await post("simulate", { language: "lua", source: toIdle });
  assert.equal(body.calls[0].outcome, "decision", "no context at all");
});

test("a worker that is called busy is not evicted, whatever else the context leaves out", async () => {
  const source = 'function schedule(context) return { action = "evict", worker_id = "w1" } end';
  const evict = async (status) => (await simulate(queen, source, { workers: [{ id: "w1", model_ref: "m", status }] }))[0];
  const refused = await evict("busy");
  assert.deepEqual([refused.outcome, refused.reason], ["fallback", "invalid"]);
  assert.match(refused.message, /w1/);
  assert.equal((await evict("ready")).decision.action, "evict");
});

test("GET simulates too, with a body", async () => {
  const asked = JSON.stringify({ language: "lua", source: toIdle, context: context(two) });
  const { status, body } = await queen.request("GET", "/v2/admin/scheduler/simulate", asked);
  assert.equal(status, 200);
  assert.equal(body.calls[0].decision.worker_id, "w2");
  const { status: without, body: words } = await admin(queen).get("simulate");
  assert.equal(without, 400);
  assert.match(words.error.message, /JSON body/);
});

test("what a script keeps is there in the next call, and gone after a kill", async () => {
  const counts = `local n = 0
    function schedule(context)
      n = n + 1
      log.info("call " .. n)
      if n == 3 then while true do end end
      return nil
    end`;
  const calls = await simulate(queen, counts, { calls: 5 });
  assert.deepEqual(calls.map((call) => call.reason), [null, null, "timeout", null, null]);
  assert.deepEqual(calls.map((call) => call.log[0]).filter((_, i) => i !== 2), ["info call 1", "info call 2", "info call 1", "info call 2"]);
});

const failures = [
  ["an error, with its line", "function schedule()\n  error('no such luck')\nend", "error", 2],
  ["a hang", "function schedule() while true do end end", "timeout"],
  ["too much memory", "function schedule() return ('x'):rep(64 * 1024 * 1024) end", "memory"],
  ["a worker that is not there", "function schedule(c) return { action = 'dispatch', job_id = 'j1', worker_id = 'w9' } end", "invalid"],
  ["a busy worker", "function schedule(c) return { action = 'dispatch', job_id = 'j1', worker_id = 'w1' } end", "invalid"],
  ["an unknown action", "function schedule(c) return { action = 'explode' } end", "invalid"],
  ["nonsense", "function schedule(c) return function() end end", "invalid"],
  ["no entry point", "x = 1", "load"],
  ["a syntax error", "function schedule(\nend", "load", 2],
  ["an error while it loads", "error('at once')", "load", 1],
  ["a hang while it loads", "while true do end", "load"],
  ["nothing", "", "load"],
  ["bytecode", "\u001bLua", "load"],
  ["a NUL", "function schedule() end\u0000", "load"],
  ["300 KB", `-- ${"x".repeat(300 * 1024)}\nfunction schedule() end`, "load"],
];

for (const [what, source, reason, line] of failures) {
  test(`${what} ends in a fallback for the reason ${reason}, and the platform policy decides`, async () => {
    const calls = await simulate(queen, source, two);
    assert.equal(calls.length, 1);
    assert.equal(calls[0].outcome, "fallback");
    assert.equal(calls[0].reason, reason, JSON.stringify(calls[0]));
    assert.ok(calls[0].message);
    if (line) assert.equal(calls[0].line, line, calls[0].message);
    assert.equal(calls[0].decision.worker_id, "w2", "by the platform policy");
  });
}

test("a source that does not load answers one call, however many were asked for", async () => {
  assert.equal((await simulate(queen, "return", { calls: 50 })).length, 1);
});

test("CRLF and a BOM are fine", async () => {
  const [call] = await simulate(queen, `\ufeff${toIdle.replaceAll("\n", "\r\n")}`, two);
  assert.equal(call.outcome, "decision", call.message);
});

test("schedule_job is asked about job after job until one is decided about", async () => {
  const source = "function schedule_job(job, pools, workers) if job.id == 'j2' then return workers.idle().first() end end";
  const jobs = ["j1", "j2", "j3"].map((id) => ({ id, model_ref: "m" }));
  const [call] = await simulate(queen, source, { jobs, ...two });
  assert.deepEqual(call.decision, { action: "dispatch", job_id: "j2", worker_id: "w2" });
  const [waits] = await simulate(queen, "function schedule_job() return wait('later') end", { jobs, ...two });
  assert.deepEqual(waits.decision, { action: "wait", job_id: "j1", reason: "later" });
  const [none] = await simulate(queen, source, { jobs: [] });
  assert.deepEqual(none.decision, { action: "wait" });
});

test("whose turn it is goes by the built-in order, not by the order of the jobs given", async () => {
  const jobs = [
    { id: "batch", priority: "batch" }, { id: "young", wait_ms: 5 }, { id: "old", wait_ms: 900 },
    { id: "due", priority: "interactive", deadline_ms: 60000 },
  ].map((job) => ({ model_ref: "m", ...job }));
  const chosen = async (source, language) => (await simulate(queen, source, { jobs, language, ...two }))[0].decision.job_id;
  assert.equal(await chosen("function schedule(c) return { action = 'dispatch', job_id = c.queue.next().id, worker_id = 'w2' } end"), "due");
  assert.equal(await chosen("function schedule_job(job, pools, workers) return workers.idle().first() end"), "due");
  assert.equal(await chosen("function schedule_job(job) return job.id == 'due' and wait() or job.id == 'old' and reject('no') or nil end"), "old");
  assert.equal(await chosen("function schedule(c) error('the platform policy decides') end"), "due");
  assert.equal(await chosen("function schedule(c) return { action = 'dispatch', job_id = c.queue[1].id, worker_id = 'w2' } end"), "batch");
});

test("each language is simulated", async () => {
  const rhai = "fn schedule_job(job, pools, workers) { workers.idle().first() }";
  const yaml = "rules:\n  - name: any\n    condition: true\n    action:\n      select: workers.idle().first()\n";
  for (const [language, source] of Object.entries({ rhai, yaml })) {
    const [call] = await simulate(queen, source, { language, ...two });
    assert.equal(call.decision.worker_id, "w2", JSON.stringify(call));
  }
});

test("Rhai has all names of the API", async () => {
  const source = `fn schedule_job(job, pools, workers) {
    log.info(\`\${setting("limit", 7)} \${metrics().queue_depth} \${local_time(0).hour} \${context.queue.len()} \${tenants.len()}\`);
    workers.idle().first()
  }`;
  const [call] = await simulate(queen, source, { language: "rhai", ...two });
  assert.equal(call.outcome, "decision", call.message);
  assert.match(call.log[0], /^info 7 1 \d+ 1 0$/);
});

test("a policy that is kept, and the built-in one, are simulated by name", async () => {
  const { body } = await post("simulate", { policy: "platform", context: context(two) });
  assert.equal(body.calls[0].decision.worker_id, "w2");
  const missing = await post("simulate", { policy: "nobody", context: {} });
  assert.equal(missing.status, 404);
  const simple = await post("simulate", { policy: "simple", context: {} });
  assert.equal(simple.status, 400);
});

const bodies = [
  ["no JSON", "simulate", "hello", undefined],
  ["an unknown field", "simulate", { language: "lua", source: "", extra: 1 }, "extra"],
  ["no language", "simulate", { source: "" }, "language"],
  ["a language that is none", "simulate", { language: "perl", source: "" }, "language"],
  ["no source", "simulate", { language: "lua" }, "source"],
  ["source and policy", "simulate", { language: "lua", source: "", policy: "a" }, "policy"],
  ["0 calls", "simulate", { language: "lua", source: "", calls: 0 }, "calls"],
  ["1,001 calls", "simulate", { language: "lua", source: "", calls: 1001 }, "calls"],
  ["a context that is a list", "simulate", { language: "lua", source: "", context: [] }, "context"],
  ["a job that is a number", "simulate", { language: "lua", source: "", context: { queue: [7] } }, "queue[0]"],
  ["validate with a name", "validate", { language: "lua", source: "", name: "a" }, "name"],
  ["validate without a source", "validate", { language: "lua" }, "source"],
  ["compile with calls", "compile", { language: "lua", source: "", calls: 1 }, "calls"],
];

for (const [what, route, body, param] of bodies) {
  test(`${what}: 400 that names the field`, async () => {
    const { status, body: answer } = await post(route, body);
    assert.equal(status, 400, JSON.stringify(answer));
    assert.ok(answer.error.message && answer.error.correlation_id);
    if (param) assert.equal(answer.error.details.param, param, answer.error.message);
  });
}

test("a valid policy is measured; an invalid one is told where", async () => {
  const { status, body } = await post("validate", { language: "lua", source: toIdle });
  assert.equal(status, 200);
  assert.equal(body.valid, true, JSON.stringify(body.diagnostics));
  for (const name of ["calls", "p50_us", "p99_us", "memory_bytes"]) assert.ok(body.measured[name] > 0, name);
  const broken = await post("validate", { language: "lua", source: "function schedule(\nend" });
  assert.equal(broken.status, 200);
  assert.equal(broken.body.valid, false);
  const [first] = broken.body.diagnostics;
  assert.equal(first.severity, "error");
  assert.equal(first.line, 2);
  assert.ok(first.message && "column" in first);
});

test("YAML and Rhai become Lua with a map of its lines; Lua stays as it is", async () => {
  const yaml = "rules:\n  - name: any\n    condition: true\n    action:\n      select: workers.idle().first()\n";
  const { status, body } = await post("compile", { language: "yaml", source: yaml });
  assert.equal(status, 200, JSON.stringify(body));
  assert.equal(body.line_map.length, body.lua.trimEnd().split("\n").length);
  assert.ok(body.line_map.some((line) => line > 1));
  assert.equal((await simulate(queen, body.lua, two))[0].decision.worker_id, "w2");
  assert.equal((await post("compile", { language: "lua", source: toIdle })).body.lua, toIdle);
  const wrong = await post("compile", { language: "rhai", source: "fn schedule(c) {\n  let = 3;\n}" });
  assert.equal(wrong.status, 422);
  assert.equal(wrong.body.error.code, "policy_invalid");
  assert.equal(wrong.body.diagnostics[0].line, 2);
});

test("calls that take time are capped, and a client that leaves takes its own along", async () => {
  const hang = { language: "lua", source: "function schedule() while true do end end", context: context(), calls: 1000 };
  const leave = new AbortController();
  const statuses = [];
  const started = Array.from({ length: 10 }, () =>
    queen.stream("POST", "/v2/admin/scheduler/simulate", hang, { signal: leave.signal }).then(
      ({ status, headers }) => statuses.push([status, Number(headers.get("retry-after")) > 0]),
      () => statuses.push("left"),
    ),
  );
  await until("two are refused", () => statuses.length === 2);
  assert.deepEqual(statuses, [[503, true], [503, true]]);
  leave.abort();
  await Promise.all(started);
  await until("there is room again", async () => (await post("simulate", { language: "lua", source: toIdle })).status === 200);
});

test("a queen that stops does not wait for what is tried out", async (t) => {
  const other = await startQueen(t);
  const hang = { language: "lua", source: "function schedule() while true do end end", context: context(), calls: 1000 };
  const asked = admin(other).post("simulate", hang);
  await until("it is under way", async () => (await admin(other).get("decisions")).status === 200);
  other.signal("SIGTERM");
  const { status } = await asked;
  assert.equal(status, 503);
});
