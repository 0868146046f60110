// The life of policies: deployed, listed, rolled back, refused; texts for their authors.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { temporaryFolder } from "./lib/daemon.js";
import { allEvents, dataOf } from "./lib/sse.js";
import { admin, context, idle, toIdle } from "./lib/policy.js";
import { until } from "./lib/wait.js";
import { asStatic, startFake, startQueen } from "./lib/world.js";

const lua = (name, source = toIdle, more = {}) => ({ name, language: "lua", source, ...more });
const variant = (n) => `-- variant ${n}\n${toIdle}`;

test("a deployed policy decides, is listed with its versions, and can be rolled back", async (t) => {
  const fake = await startFake(t);
  const queen = await startQueen(t, { worker: asStatic(fake) });
  const { get, post } = admin(queen);
  await queen.untilReadyFor("fake-7b");
  assert.deepEqual((await get("policies")).body.active, { name: "platform", version: 1 });

  const first = await post("deploy", lua("home", variant(1), { message: "the first" }));
  assert.equal(first.status, 201, JSON.stringify(first.body));
  assert.equal(first.body.name, "home");
  assert.equal(first.body.version, 1);
  assert.equal(first.body.active, true);
  assert.match(first.body.hash, /^[0-9a-f]{64}$/);
  const answer = await queen.post("/v1/chat/completions", { model: "fake-7b", messages: [{ role: "user", content: "hi" }], max_tokens: 1 });
  assert.equal(answer.status, 200);
  assert.match(answer.headers.get("x-rbee-policy"), /^home/);

  const second = await post("deploy", lua("home", variant(2), { mode: "shadow" }));
  assert.equal(second.status, 201);
  assert.deepEqual([second.body.version, second.body.active], [2, false]);
  assert.equal((await post("deploy", lua("home", variant(1), { mode: "shadow" }))).body.version, 1, "an equal text has one version");

  const { body: list } = await get("policies");
  assert.deepEqual(list.active, { name: "home", version: 1 });
  assert.deepEqual(list.policies.map((one) => [one.name, one.builtin, one.active]), [["platform", true, false], ["simple", true, false], ["home", false, true]]);
  const { body: versions } = await get("policies/home/versions");
  assert.deepEqual(versions.versions.map((one) => [one.version, one.active]), [[2, false], [1, true]]);
  assert.equal((await get("policies/home")).body.source, variant(2));
  const { body: one } = await get("policies/home/versions/1");
  assert.equal(one.source, variant(1));
  assert.equal(one.message, "the first");

  const back = await post("rollback", { name: "home", version: 2 });
  assert.equal(back.status, 200, JSON.stringify(back.body));
  assert.deepEqual([back.body.version, back.body.active], [2, true]);
  assert.equal((await post("rollback", { name: "home", version: 9 })).status, 404);
  assert.equal((await post("rollback", { name: "nobody", version: 1 })).status, 404);
  const builtin = await post("rollback", { name: "platform" });
  assert.equal(builtin.status, 200, JSON.stringify(builtin.body));
  assert.deepEqual((await get("policies")).body.active, { name: "platform", version: 1 });
  assert.equal((await post("rollback", { name: "simple" })).status, 409);
});

test("policies and versions are deleted, but not the one that decides", async (t) => {
  const queen = await startQueen(t);
  const { get, post } = admin(queen);
  const remove = (path) => queen.delete(`/v2/admin/scheduler/policies/${path}`);

  for (const n of [1, 2, 3])
    assert.equal((await post("deploy", lua("home", variant(n)))).status, 201);
  const refused = await remove("home");
  assert.equal(refused.status, 409);
  assert.match(refused.body.error.message, /version 3 of 'home' decides now/);
  assert.equal((await remove("home/versions/3")).status, 409);
  const removed = await remove("home/versions/2");
  assert.deepEqual([removed.status, removed.body], [200, { name: "home", deleted: true }]);
  assert.equal((await get("policies/home/versions/2")).status, 404);
  assert.deepEqual((await get("policies/home/versions")).body.versions.map((one) => one.version), [3, 1]);
  assert.equal((await remove("home/versions/2")).status, 404);
  assert.equal((await remove("home/versions/x")).status, 400);
  assert.equal((await remove("nobody")).status, 404);
  assert.equal((await remove("platform")).status, 409);

  assert.equal((await post("rollback", { name: "platform" })).status, 200);
  assert.equal((await remove("home")).status, 200);
  assert.equal((await get("policies/home")).status, 404);
  assert.equal((await post("deploy", lua("home", variant(4)))).body.version, 1, "the name is free again");
});

test("an invalid policy is 422 with its diagnostics and changes nothing", async (t) => {
  const queen = await startQueen(t);
  const { get, post } = admin(queen);
  await post("deploy", lua("home"));
  const cases = [
    ["a syntax error", "lua", "function schedule(\nend", 2],
    ["no entry point", "lua", "x = 1"],
    ["nothing", "lua", ""],
    ["300 KB", "lua", `--${"x".repeat(300 * 1024)}\n${toIdle}`],
    ["bytecode", "lua", "\u001bLua"],
    ["a NUL", "lua", `${toIdle}\u0000`],
    ["what is no YAML", "yaml", "rules: [\n"],
    ["a hang", "lua", "function schedule() while true do end end"],
  ];
  for (const [what, language, source, line] of cases) {
    const { status, body } = await post("deploy", { name: "home", language, source });
    assert.equal(status, 422, `${what}: ${JSON.stringify(body)}`);
    assert.equal(body.error.code, "policy_invalid");
    assert.equal(body.valid, false);
    const errors = body.diagnostics.filter((one) => one.severity === "error");
    assert.ok(errors.length > 0 && errors[0].message, what);
    if (line) assert.equal(errors[0].line, line, what);
  }
  assert.deepEqual((await get("policies")).body.active, { name: "home", version: 1 });
  assert.equal((await get("policies/home/versions")).body.versions.length, 1);
});

test("bad bodies of deploy and rollback name the field", async (t) => {
  const { post, get } = admin(await startQueen(t));
  const cases = [
    ["deploy", {}, 400, "name"],
    ["deploy", lua("../x"), 400, "name"],
    ["deploy", lua("a", toIdle, { extra: 1 }), 400, "extra"],
    ["deploy", lua("a", toIdle, { mode: "canary" }), 400, "mode"],
    ["deploy", lua("a", toIdle, { message: "x".repeat(600) }), 400, "message"],
    ["deploy", lua("platform"), 409, "name"],
    ["deploy", lua("simple"), 409, "name"],
    ["rollback", { name: "home" }, 400, "version"],
    ["rollback", { name: "home", version: -1 }, 400, "version"],
  ];
  for (const [route, body, status, param] of cases) {
    const answer = await post(route, body);
    assert.equal(answer.status, status, JSON.stringify([body, answer.body]));
    assert.equal(answer.body.error.details.param, param);
  }
  assert.equal((await get("policies/nobody")).status, 404);
  assert.equal((await get("policies/nobody/versions")).status, 404);
  assert.equal((await get("policies/platform/versions/two")).status, 400);
  assert.equal((await get("policies/platform/versions/2")).status, 404);
  assert.equal((await get("policies?page=2")).status, 400);
});

test("two deploys at once: both are kept, one of them decides", async (t) => {
  const { get, post } = admin(await startQueen(t));
  const answers = await Promise.all([1, 2].map((n) => post("deploy", lua("home", variant(n)))));
  assert.deepEqual(answers.map((one) => one.status), [201, 201], JSON.stringify(answers.map((one) => one.body)));
  assert.deepEqual(answers.map((one) => one.body.version).sort(), [1, 2]);
  const { body } = await get("policies");
  assert.equal(body.active.name, "home");
  assert.equal((await get("policies/home/versions")).body.versions.filter((one) => one.active).length, 1);
});

test("many deploys at once wait for one another, and every one is kept", async (t) => {
  const { get, post } = admin(await startQueen(t));
  const answers = await Promise.all(Array.from({ length: 12 }, (_, n) => post("deploy", lua("home", variant(n)))));
  assert.deepEqual(answers.map((one) => one.status), Array(12).fill(201), JSON.stringify(answers.map((one) => one.body)));
  const numbers = answers.map((one) => one.body.version).sort((a, b) => a - b);
  assert.deepEqual(numbers, Array.from({ length: 12 }, (_, n) => n + 1), "versions without gaps");
  assert.deepEqual((await get("policies")).body.active, { name: "home", version: 12 });
});

test("more deploys than are kept waiting are refused for now", async (t) => {
  const { post } = admin(await startQueen(t));
  const answers = await Promise.all(Array.from({ length: 40 }, (_, n) => post("deploy", lua("home", variant(n)))));
  const refused = answers.filter((one) => one.status !== 201);
  assert.ok(refused.length <= 8, "32 at least are served");
  for (const one of refused) {
    assert.equal(one.status, 503);
    assert.equal(one.body.error.code, "limit_reached");
    assert.ok(Number(one.headers.get("retry-after")) > 0);
  }
});

test("a deploy that was accepted takes effect although its client leaves", async (t) => {
  const queen = await startQueen(t);
  const { get } = admin(queen);
  const starts = () => queen.metric("rbee_policy_host_starts_total");
  const before = await starts();
  const leave = new AbortController();
  const left = queen.stream("POST", "/v2/admin/scheduler/deploy", lua("home"), { signal: leave.signal }).catch(() => "left");
  await until("its validation has begun", async () => (await starts()) > before);
  leave.abort();
  await left;
  await until("it decides", async () => (await get("policies")).body.active.name === "home");
});

test("a version that was deployed decides again after a restart", async (t) => {
  const queen = await startQueen(t);
  await admin(queen).post("deploy", lua("home"));
  await queen.stop();
  const again = await startQueen(t, { "state-dir": queen.stateDir });
  assert.deepEqual((await admin(again).get("policies")).body.active, { name: "home", version: 1 });
});

test("a client that leaves while its policy is validated leaves nothing behind", async (t) => {
  const queen = await startQueen(t);
  const { get, post } = admin(queen);
  const asked = { language: "lua", source: toIdle };
  for (let n = 0; n < 12; n++) {
    const leave = new AbortController();
    const left = queen.stream("POST", "/v2/admin/scheduler/validate", asked, { signal: leave.signal }).catch(() => "left");
    assert.equal((await get("policies")).status, 200);
    leave.abort();
    await left;
  }
  assert.equal((await post("validate", asked)).body.valid, true);
});

test("only administrators may call", async (t) => {
  const [client, administrator] = ["client", "admin"].map((name) => `0123456789abcdef-${name}`);
  const secretFile = (text) => {
    const file = path.join(temporaryFolder(t), "token");
    writeFileSync(file, `${text}\n`, { mode: 0o600 });
    return file;
  };
  const queen = await startQueen(t, { "token-file": secretFile(client), "admin-token-file": secretFile(administrator) });
  const as = (token) => ({ authorization: `Bearer ${token}` });
  const calls = [
    ["GET", "/v2/admin/scheduler/policies"],
    ["GET", "/v2/admin/scheduler/decisions"],
    ["POST", "/v2/admin/scheduler/deploy", lua("home")],
    ["POST", "/v2/admin/scheduler/simulate", { language: "lua", source: toIdle }],
    ["POST", "/v1/jobs", { operation: "policy_get", name: "platform" }],
  ];
  for (const [method, url, body] of calls) {
    assert.equal((await queen.request(method, url, body)).status, 401, url);
    assert.equal((await queen.request(method, url, body, as(client))).status, 403, url);
    assert.ok((await queen.request(method, url, body, as(administrator))).status < 300, url);
  }
});

test("in platform mode nothing changes, and everything can be read", async (t) => {
  const { get, post } = admin(await startQueen(t, { mode: "platform" }));
  for (const [route, body] of [["deploy", lua("home")], ["rollback", { name: "platform" }], ["deploy", {}]]) {
    const answer = await post(route, body);
    assert.equal(answer.status, 403, JSON.stringify(answer.body));
    assert.equal(answer.body.error.code, "platform_scheduler_immutable");
  }
  const source = await get("platform-source");
  assert.equal(source.status, 200);
  assert.match(source.headers.get("content-type"), /^text\/x-lua/);
  assert.match(source.body, /function schedule/);
  const { body } = await post("simulate", { language: "lua", source: toIdle, context: context({ workers: [idle("w1")] }) });
  assert.equal(body.calls[0].decision.worker_id, "w1");
});

test("texts for authors are there: the built-in policies, templates, schema, completion", async (t) => {
  const { get } = admin(await startQueen(t));
  const { body: platform } = await get("policies/platform");
  assert.equal(platform.builtin, true);
  assert.equal(platform.source, (await get("platform-source")).body);
  assert.equal((await get("policies/simple")).body.source, null);
  const { body } = await get("templates");
  assert.equal(body.templates[0].name, "platform.lua");
  for (const { name, language, description } of body.templates) {
    const { body: template } = await get(`templates/${name}`);
    assert.ok(template.source.length > 0 && description && language, name);
  }
  assert.equal((await get("templates/platform")).body.name, "platform.lua");
  assert.equal((await get("templates/nobody")).status, 404);
  assert.match((await get("schema")).body.$schema, /2020-12/);
  assert.ok(Object.keys((await get("api")).body).length > 0);
});

test("the operations of the jobs API do the same, under both of their names", async (t) => {
  const queen = await startQueen(t);
  const result = async (body) => {
    const { status, body: accepted } = await queen.post("/v1/jobs", body);
    assert.equal(status, 200, JSON.stringify(accepted));
    const [end] = dataOf(await allEvents(await queen.stream("GET", accepted.sse_url)), "end");
    return end.result;
  };
  const rhai = "fn schedule_job(job, pools, workers) { workers.idle().first() }";
  const saved = await result({ operation: "rhai_script_save", name: "mine", source: rhai });
  assert.deepEqual([saved.name, saved.version, saved.active], ["mine", 1, false]);
  assert.equal((await result({ operation: "policy_get", name: "mine" })).source, rhai);
  assert.ok((await result({ operation: "policy_list" })).policies.some((one) => one.name === "mine"));
  const tested = await result({ operation: "policy_test", name: "mine", context: context({ workers: [idle("w1")] }) });
  assert.equal(tested.calls[0].decision.worker_id, "w1");
  assert.equal((await queen.post("/v1/jobs", { operation: "policy_get", name: "nobody" })).status, 404);
  assert.equal((await queen.post("/v1/jobs", { operation: "policy_save", name: "mine", language: "lua", source: "x = 1" })).status, 422);
  assert.deepEqual(await result({ operation: "policy_delete", name: "mine" }), { name: "mine", deleted: true });
  assert.equal((await queen.post("/v1/jobs", { operation: "policy_get", name: "mine" })).status, 404);
  assert.equal((await queen.post("/v1/jobs", { operation: "policy_delete", name: "nobody" })).status, 404);
});
