// The command line, as a person and as a script would use it.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { test } from "node:test";
import { build, run, temporaryFolder } from "./lib/daemon.js";
import { until } from "./lib/wait.js";
import { asStatic, startFake, startHive, startQueen, tinyModel } from "./lib/world.js";

// rbee with a home of its own, so that nobody's configuration is read.
function rbee(t, args, options = {}) {
  const home = temporaryFolder(t);
  return run("rbee", args, { ...options, env: { HOME: home, XDG_CONFIG_HOME: home, XDG_STATE_HOME: home, ...options.env } });
}

async function queenWithFake(t, knobs = {}) {
  const fake = await startFake(t, { knobs });
  const queen = await startQueen(t, { worker: asStatic(fake) });
  await queen.untilReadyFor("fake-7b");
  return { fake, queen, at: ["--queen-url", queen.url] };
}

test("infer prints the answer's text alone on stdout", async (t) => {
  const { at } = await queenWithFake(t);
  const ended = await rbee(t, ["infer", ...at, "--model", "fake-7b", "--max-tokens", "3", "hello"]);
  assert.equal(ended.code, 0, ended.stderr);
  assert.equal(ended.stdout.trimEnd(), "w0 w1 w2");
});

test("infer takes its prompt from standard input", async (t) => {
  const { fake, at } = await queenWithFake(t);
  const ended = await rbee(t, ["infer", ...at, "--model", "fake-7b", "--max-tokens", "1"], { input: "from a pipe" });
  assert.equal(ended.code, 0, ended.stderr);
  assert.match(JSON.stringify((await fake.state()).last.body), /from a pipe/);
});

test("infer --json prints one JSON object", async (t) => {
  const { at } = await queenWithFake(t);
  const ended = await rbee(t, ["infer", ...at, "--json", "--model", "fake-7b", "--max-tokens", "2", "hello"]);
  assert.equal(ended.code, 0, ended.stderr);
  assert.match(JSON.stringify(JSON.parse(ended.stdout)), /w0 w1/);
});

test("Ctrl-C cancels the job at the worker and exits with 130", async (t) => {
  const { fake, queen, at } = await queenWithFake(t, { hang: "mid", hang_after: 2 });
  const child = spawn(path.join(build, "rbee"), ["infer", ...at, "--model", "fake-7b", "hello"], { stdio: ["ignore", "pipe", "ignore"] });
  t.after(() => child.kill("SIGKILL"));
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (piece) => (text += piece));
  await until("two tokens", () => text.includes("w1"));
  child.kill("SIGINT");
  const [code] = await once(child, "exit");
  assert.equal(code, 130);
  await until("the worker is free", async () => (await fake.state()).active === 0);
  await until("the ledger is empty", async () => (await queen.metric("rbee_running")) === 0);
});

test("a failure in mid-answer is exit code 1 and says why on stderr", async (t) => {
  const { at } = await queenWithFake(t, { reset_after: 2 });
  const ended = await rbee(t, ["infer", ...at, "--model", "fake-7b", "hello"]);
  assert.equal(ended.code, 1, ended.stderr);
  assert.match(ended.stdout, /w0 w1/);
  assert.ok(ended.stderr.length > 0);
});

test("an unknown model is exit code 1, and the message names it", async (t) => {
  const { at } = await queenWithFake(t);
  const ended = await rbee(t, ["infer", ...at, "--model", "no-such-model", "hello"]);
  assert.equal(ended.code, 1, ended.stderr);
  assert.match(ended.stderr, /no-such-model/);
  assert.equal(ended.stdout, "");
});

test("nobody at the URL is exit code 3: service, URL and the fix", async (t) => {
  const ended = await rbee(t, ["status", "--queen-url", "http://127.0.0.1:1"]);
  assert.equal(ended.code, 3);
  assert.match(ended.stderr, /queen/);
  assert.match(ended.stderr, /http:\/\/127\.0\.0\.1:1/);
  assert.match(ended.stderr, /rbee queen start/);
});

test("a worker is spawned, listed and stopped from the command line", async (t) => {
  const queen = await startQueen(t);
  await startHive(t, queen, { "hive-id": "h1" });
  await until("the hive is known", async () => (await queen.metric("rbee_hives")) === 1);
  const at = ["--queen-url", queen.url];
  const spawned = await rbee(t, ["worker", "spawn", ...at, "--model", tinyModel, "--threads", "1"]);
  assert.equal(spawned.code, 0, spawned.stderr);
  const id = spawned.stdout.trim();
  await queen.untilReadyFor(tinyModel);
  const listed = await rbee(t, ["worker", "list", ...at]);
  assert.ok(listed.stdout.includes(id), listed.stdout);
  const status = await rbee(t, ["status", ...at]);
  assert.ok(status.stdout.includes("h1") && status.stdout.includes(tinyModel), status.stdout);
  assert.ok(JSON.parse((await rbee(t, ["status", "--json", ...at])).stdout));
  const answer = await rbee(t, ["infer", ...at, "--model", tinyModel, "--max-tokens", "16", "--temperature", "0", "Hello!"]);
  assert.equal(answer.code, 0, answer.stderr);
  assert.ok(answer.stdout.trim().length > 0);
  const stopped = await rbee(t, ["worker", "stop", ...at, id]);
  assert.equal(stopped.code, 0, stopped.stderr);
  await until("it is gone", async () => (await queen.get(`/v1/models/${tinyModel}`)).body.workers_ready === 0);
});

test("every level explains itself, and wrong use is exit code 2", async (t) => {
  for (const args of [["--help"], ["infer", "--help"], ["worker", "--help"], ["worker", "spawn", "--help"], ["queen", "--help"], ["completion", "--help"]]) {
    const ended = await rbee(t, args);
    assert.equal(ended.code, 0, `${args}: ${ended.stderr}`);
    assert.match(ended.stdout, /[Uu]sage/);
  }
  for (const args of [[], ["fly"], ["worker"], ["worker", "fly"], ["infer", "--no-such-flag"], ["infer", "--max-tokens", "many", "x"]]) {
    const ended = await rbee(t, args);
    assert.equal(ended.code, 2, `${args}: ${ended.stdout}${ended.stderr}`);
    assert.equal(ended.stdout, "");
    assert.ok(ended.stderr.length > 0);
  }
});

test("completion scripts are for the shell that was asked for", async (t) => {
  for (const shell of ["bash", "zsh", "fish"]) {
    const ended = await rbee(t, ["completion", shell]);
    assert.equal(ended.code, 0, ended.stderr);
    assert.match(ended.stdout, /infer/);
  }
  assert.equal((await rbee(t, ["completion", "tcsh"])).code, 2);
});
