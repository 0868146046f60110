// Policies from files: taken at the start, taken again when they change, kept when they break.
import assert from "node:assert/strict";
import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { run, temporaryFolder } from "./lib/daemon.js";
import { calls, liveWorld, policyOf } from "./lib/live.js";
import { admin } from "./lib/policy.js";
import { startQueen } from "./lib/world.js";
import { until } from "./lib/wait.js";

const place = (note) => `-- ${note}
function schedule_job(job, pools, workers)
  return workers.with_model(job.model_ref).idle().first()
end
`;
const broken = "function schedule_job(job, pools, workers)\n  return = 1\nend\n";

function policyFile(t, source = place(1), name = "home.lua") {
  const file = path.join(temporaryFolder(t), name);
  writeFileSync(file, source);
  return file;
}

const activeOf = async ({ get }) => (await get("policies")).body.active;
const errorOf = async ({ get }) => (await get("policies")).body.last_error;
const untilActive = (live, name, version) =>
  until(`${name} ${version} is active`, async () => {
    const active = await activeOf(live);
    return active.name === name && active.version === version;
  });

// Writes elsewhere and renames, as editors do.
function replace(file, source) {
  writeFileSync(`${file}.new`, source);
  renameSync(`${file}.new`, file);
}

test("a policy file in each language decides from the start", async (t) => {
  const files = {
    "home.lua": place(1),
    "home.rhai": "fn schedule_job(job, pools, workers) { workers.idle().first() }\n",
    "home.yaml": "rules:\n  - name: any\n    condition: true\n    action:\n      select: workers.idle().first()\n",
  };
  for (const [name, source] of Object.entries(files)) {
    const live = await liveWorld(t, { w1: {} }, { scheduler: policyFile(t, source, name) });
    const answer = await live.chat();
    assert.deepEqual([answer.status, policyOf(answer)], [200, "home"], name);
  }
});

test("a file that is wrong stops the start, with its file, its line and words", async (t) => {
  const cases = [
    ["broken.lua", broken, /broken\.lua:2: /],
    ["hangs.lua", "function schedule_job()\n  while true do end\nend\n", /hangs\.lua:2: /],
    ["broken.yaml", "rules:\n  - name: any\n    condition: true\n    acton: {}\n", /broken\.yaml:4:\d+: /],
    ["broken.rhai", "fn schedule_job(job, pools, workers) {\n  let = 1;\n}\n", /broken\.rhai:2:\d+: /],
    ["empty.lua", "", /empty\.lua/],
    ["policy.txt", place(1), /policy\.txt.*\.lua, \.yaml, \.yml or \.rhai/],
  ];
  for (const [name, source, words] of cases) {
    const flags = ["--listen", "127.0.0.1:0", "--state-dir", temporaryFolder(t), "--scheduler", policyFile(t, source, name)];
    const { code, stderr } = await run("queen-rbee", flags);
    assert.ok(code === 1 || code === 2, `${name}: exit code ${code}`);
    assert.match(stderr, words, name);
  }
  const missing = await run("queen-rbee", ["--listen", "127.0.0.1:0", "--state-dir", temporaryFolder(t), "--scheduler", "/nowhere/to/be/found.lua"]);
  assert.ok(missing.code === 1 || missing.code === 2);
  assert.match(missing.stderr, /found\.lua.*No such file/i);
});

test("in platform mode a file stops the start", async (t) => {
  const flags = ["--listen", "127.0.0.1:0", "--state-dir", temporaryFolder(t), "--mode", "platform", "--scheduler", policyFile(t)];
  const { code, stderr } = await run("queen-rbee", flags);
  assert.equal(code, 2, stderr);
  assert.match(stderr, /platform mode/);
});

test("a change is taken, written in place or renamed into place; one that is broken is not", async (t) => {
  const file = policyFile(t);
  const live = await liveWorld(t, { w1: { knobs: { gap_ms: 5 } } }, { scheduler: file });
  assert.deepEqual(await activeOf(live), { name: "home", version: 1 });
  const stream = live.chat({ stream: true, max_tokens: 200 });
  writeFileSync(file, place(2));
  await untilActive(live, "home", 2);
  replace(file, place(3));
  await untilActive(live, "home", 3);
  for (const [source, words] of [[broken, /:2: /], ["", /./], ["\u001bLua", /./], ["function schedule() while true do end end", /./]]) {
    replace(file, source);
    assert.match(await until("it says why", () => errorOf(live)), words);
    assert.deepEqual(await activeOf(live), { name: "home", version: 3 });
    assert.equal(policyOf(await live.chat()), "home");
    replace(file, place(3));
    await until("all is well again", async () => (await errorOf(live)) === null);
  }
  assert.ok((await stream).body.endsWith("data: [DONE]\n\n"), "no stream was dropped");
});

test("a file that vanishes leaves its policy at work, and is taken again when it comes back", async (t) => {
  const file = policyFile(t);
  const live = await liveWorld(t, { w1: {} }, { scheduler: file });
  rmSync(file);
  await until("it is missed", () => live.queen.log().some((line) => line.file === file && /gone|not there/.test(line.msg)));
  assert.equal(policyOf(await live.chat()), "home");
  writeFileSync(file, place("back"));
  await untilActive(live, "home", 2);
  assert.equal(policyOf(await live.chat()), "home");
});

test("what lies in policies.d is taken: the first decides, until another is chosen", async (t) => {
  const stateDir = temporaryFolder(t);
  const folder = path.join(stateDir, "policies.d");
  mkdirSync(folder);
  writeFileSync(path.join(folder, "b.lua"), place("b"));
  writeFileSync(path.join(folder, "a.lua"), place("a"));
  writeFileSync(path.join(folder, "c.lua"), broken);
  const live = await liveWorld(t, { w1: {} }, { "state-dir": stateDir });
  await untilActive(live, "a", 1);
  assert.match(await until("it says why c is not taken", () => errorOf(live)), /c\.lua:2: /);
  assert.equal(policyOf(await live.chat()), "a");
  const { body } = await live.get("policies");
  assert.deepEqual(body.policies.filter((one) => !one.builtin).map((one) => one.name).sort(), ["a", "b"]);
  assert.equal((await live.post("rollback", { name: "b", version: 1 })).status, 200);
  assert.equal(policyOf(await live.chat()), "b");
  replace(path.join(folder, "b.lua"), place("b again"));
  await untilActive(live, "b", 2);
  replace(path.join(folder, "d.lua"), place("d"));
  await until("d is there", async () => (await live.get("policies/d")).status === 200);
  assert.deepEqual(await activeOf(live), { name: "b", version: 2 });
});

test("after a restart the policy that was deployed decides, and after a crash too", async (t) => {
  const live = await liveWorld(t);
  await live.deploy(place("deployed"), { name: "kept" });
  await live.queen.stop();
  const worker = `${live.fakes.w1.url},model=fake-7b,id=w1`;
  const again = await startQueen(t, { "state-dir": live.queen.stateDir, worker });
  await again.untilReadyFor("fake-7b");
  assert.equal(policyOf(await calls(again).chat()), "kept");
  await calls(again).deploy(place("deployed again"), { name: "kept" });
  await again.crash();
  const third = await startQueen(t, { "state-dir": live.queen.stateDir, worker });
  await third.untilReadyFor("fake-7b");
  assert.deepEqual(await activeOf(admin(third)), { name: "kept", version: 2 });
  assert.equal(policyOf(await calls(third).chat()), "kept");
  await admin(third).post("rollback", { name: "platform" });
  assert.equal(policyOf(await calls(third).chat()), "platform");
});

test("a built-in policy that is asked for decides, whatever was deployed before", async (t) => {
  const first = await liveWorld(t);
  const stateDir = first.queen.stateDir;
  await first.deploy(place("deployed"), { name: "kept" });
  let queen = first.queen;
  const restart = async (options, env) => {
    await queen.stop();
    queen = await startQueen(t, { "state-dir": stateDir, worker: `${first.fakes.w1.url},model=fake-7b,id=w1`, ...options }, env);
    await queen.untilReadyFor("fake-7b");
    return calls(queen);
  };
  const config = path.join(temporaryFolder(t), "queen.yaml");
  writeFileSync(config, "scheduler: platform\n");
  for (const [decider, options, env] of [
    ["simple", { scheduler: "simple" }],
    ["platform", { scheduler: "platform" }],
    ["simple", {}, { RBEE_SCHEDULER: "simple" }],
    ["platform", { config }],
  ]) {
    const live = await restart(options, env);
    assert.equal(policyOf(await live.chat()), decider, JSON.stringify([options, env]));
    await live.deploy(place("deployed"), { name: "kept" });
    assert.equal(policyOf(await live.chat()), "kept", "until the next start another may be deployed");
  }
  assert.equal(policyOf(await (await restart({})).chat()), "kept", "nothing is asked for: the choice stands");
});

test("settings of the command line reach a policy", async (t) => {
  const source = `function schedule_job(job, pools, workers)
    return workers.idle().filter(function(w) return w.id == setting("favourite", "w1") end).first()
  end`;
  const live = await liveWorld(t, { w1: {}, w2: {} }, { set: "favourite=w2" });
  await live.deploy(source);
  assert.equal((await live.chat()).headers.get("x-rbee-worker"), "w2");
});

test("a setting that the built-in policy does not understand stops the start", async () => {
  const start = (set, ...more) => run("queen-rbee", ["--check-config", "--set", set, ...more]);
  for (const [set, words] of [
    ["min_residency_ms=abc", /--set min_residency_ms: must be a whole number from 0 to \d+, not "abc"/],
    ["explore_pct=101", /--set explore_pct: must be a number from 0 to 100, not 101/],
    ["start=maybe", /--set start: must be true or false/],
    ["eviction=fifo", /--set eviction: must be gdsf\|lru\|lfu\|ttl/],
  ]) {
    const { code, stderr } = await start(set);
    assert.equal(code, 2, stderr);
    assert.match(stderr, words);
  }
  assert.equal((await start("favourite=w1")).code, 0, "it may be for a policy of the user's");
  const platform = await start("favourite=w1", "--mode", "platform");
  assert.equal(platform.code, 2);
  assert.match(platform.stderr, /--set favourite: the built-in policy has no such setting/);
});
