// A hive by itself: its own routes, what it refuses, workers that will not start, tokens,
// and how it drains and stops.
import assert from "node:assert/strict";
import { chmodSync, cpSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { run, temporaryFolder } from "./lib/daemon.js";
import { isAlive } from "./lib/proc.js";
import { allEvents, dataOf, events, textOf } from "./lib/sse.js";
import { until } from "./lib/wait.js";
import { modelsFolder, startHive, startQueen, tinyModel } from "./lib/world.js";

const alone = (t, options = {}) => startHive(t, {}, { "queen-url": [], "hive-id": "h1", ...options });
const json = { "content-type": "application/json" };

// Runs an operation of `daemon` to its end: the events of its job.
async function operate(daemon, operation, headers = {}) {
  const { status, body } = await daemon.post("/v1/jobs", operation, headers);
  assert.equal(status, 200, JSON.stringify(body));
  return allEvents(await daemon.stream("GET", body.sse_url, undefined, { headers }));
}

const spawn = { operation: "worker_spawn", model: tinyModel, threads: 1, slots: 2 };
const resultOf = (list) => dataOf(list, "end")[0]?.result ?? assert.fail(JSON.stringify(list));

// A worker program that is a shell script.
function script(t, text) {
  const file = path.join(temporaryFolder(t), "worker");
  writeFileSync(file, `#!/bin/sh\n${text}\n`);
  chmodSync(file, 0o755);
  return file;
}

function secretFile(t, text) {
  const file = path.join(temporaryFolder(t), "token");
  writeFileSync(file, `${text}\n`, { mode: 0o600 });
  return file;
}

test("a hive tells what it has", async (t) => {
  const hive = await alone(t, { label: ["geo.region=EU"] });
  const { body } = await hive.get("/v1/capabilities");
  assert.equal(body.hive_id, "h1");
  assert.equal(body.devices[0].id, "cpu");
  await until("the models are listed", async () =>
    (await hive.get("/v1/capabilities")).body.models.some((model) => model.ref === tinyModel && model.size_bytes > 1e6),
  );
  const info = (await hive.get("/v1/info")).body;
  assert.equal(info.hive.labels["geo.region"], "EU");
  assert.equal(info.hive.port, Number(new URL(hive.url).port));
  assert.deepEqual((await hive.get("/v1/workers")).body, { workers: [] });
  assert.deepEqual(resultOf(await operate(hive, { operation: "worker_process_list" })), { workers: [] });
  assert.equal(resultOf(await operate(hive, { operation: "status" })).hive.id, "h1");
  assert.equal(await hive.metric("rbee_hive_workers"), 0);
});

test("what cannot be done is refused before there is a job", async (t) => {
  const hive = await alone(t);
  await until("it has looked for GPUs", async () => (await hive.get("/v1/capabilities")).body.gpu_source);
  const refused = [
    [{ operation: "worker_spawn" }, 400, "missing_required_parameter", "model"],
    [{ operation: "worker_spawn", model: "absent" }, 404, "model_not_found", "model"],
    [{ operation: "worker_spawn", model: "../rbee-tiny" }, 400, "invalid_value", "model"],
    [{ ...spawn, device: "cuda:7" }, 400, "invalid_value", "device"],
    [{ ...spawn, slots: 0 }, 400, "invalid_value", "slots"],
    [{ ...spawn, args: ["--evil"] }, 400, "invalid_value", "args"],
    [{ ...spawn, hive_id: "other" }, 404, "not_found", "hive_id"],
    [{ operation: "worker_process_get", worker_id: "nobody" }, 404, "not_found", "worker_id"],
    [{ operation: "worker_process_delete" }, 400, "missing_required_parameter", "worker_id"],
    [{ operation: "infer", model: tinyModel }, 501, "operation_not_supported", "operation"],
    [{ operation: "dance" }, 400, "unknown_operation", "operation"],
    [{}, 400, "missing_required_parameter", "operation"],
  ];
  for (const [body, status, code, param] of refused) {
    const answer = await hive.post("/v1/jobs", body);
    assert.equal(answer.status, status, JSON.stringify([body, answer.body]));
    assert.equal(answer.body.error.code, code);
    assert.equal(answer.body.error.details.param, param);
  }
  assert.equal((await hive.get("/v1/jobs")).body.total, 0);
  assert.equal((await hive.post("/v1/jobs", "{nonsense")).body.error.code, "invalid_json");
  assert.match((await hive.post("/v1/jobs", refused[1][0])).body.error.message, new RegExp(tinyModel));
});

test("a worker that cannot be executed is the spawn's own error", async (t) => {
  const hive = await alone(t, { "worker-program": "/nonexistent/llm-worker" });
  const { status, body } = await hive.post("/v1/jobs", spawn);
  assert.equal(status, 500);
  assert.match(body.error.message, /\/nonexistent\/llm-worker/);
  assert.deepEqual((await hive.get("/v1/workers")).body.workers, []);
});

test("a worker that dies at once says why, and is listed as failed", async (t) => {
  const hive = await alone(t, { "worker-program": script(t, 'echo "the engine is missing" >&2; exit 69') });
  const list = await operate(hive, spawn);
  const [error] = dataOf(list, "error");
  assert.equal(error.code, "OPERATION_NOT_SUPPORTED");
  assert.equal(error.retriable, false);
  assert.match(error.message, /code 69.*the engine is missing/);
  assert.match(list.at(-1).data, /^\[ERROR\]/);
  const [worker] = (await hive.get("/v1/workers")).body.workers;
  assert.equal(worker.state, "failed");
  assert.match(worker.reason, /the engine is missing/);
  assert.equal(await hive.metric("rbee_hive_worker_failures_total"), 1);
});

test("a worker that never gets ready is given up, with all that it started", async (t) => {
  const hive = await alone(t, { "worker-program": script(t, "tail -f /dev/null & wait"), "start-timeout": "500ms" });
  const list = await operate(hive, spawn);
  assert.match(dataOf(list, "error")[0].message, /not ready after/);
  const [worker] = (await hive.get("/v1/workers")).body.workers;
  await until("its process is gone", () => !isAlive(worker.pid));
});

test("a spawn that is cancelled leaves no worker", async (t) => {
  const hive = await alone(t, { "worker-program": script(t, "exec tail -f /dev/null") });
  const { body } = await hive.post("/v1/jobs", spawn);
  const [worker] = (await hive.get("/v1/workers")).body.workers;
  assert.equal(worker.state, "starting");
  assert.equal((await hive.delete(`/v1/jobs/${body.job_id}`)).body.status, "cancelled");
  const list = await allEvents(await hive.stream("GET", body.sse_url));
  assert.equal(list.at(-1).data, "[CANCELLED]");
  await until("it is gone", async () => (await hive.get("/v1/workers")).body.workers.length === 0);
  assert.ok(!isAlive(worker.pid));
});

test("a worker's figures are measured, and its token is nobody else's to read", async (t) => {
  const hive = await alone(t);
  const { worker_id: id, port, pid } = resultOf(await operate(hive, { ...spawn, labels: { type: "test" } }));
  const worker = await until("it was measured", async () => (await hive.get("/v1/workers")).body.workers.find((w) => w.rss_mb > 0));
  assert.equal(worker.worker_id, id);
  assert.equal(worker.pid, pid);
  assert.equal(worker.slots, 2);
  assert.equal(worker.labels.type, "test");
  assert.equal(worker.group, "llm");
  assert.equal(worker.instance, String(port));
  assert.equal(worker.token, undefined);
  assert.equal((await fetch(`http://127.0.0.1:${port}/v1/models`)).status, 401);
  assert.deepEqual(readdirSync(path.join(hive.stateDir, "tokens")), [id]);
  resultOf(await operate(hive, { operation: "worker_process_delete", worker_id: id }));
  assert.deepEqual(readdirSync(path.join(hive.stateDir, "tokens")), []);
});

test("a worker that is stopped finishes what it has begun", async (t) => {
  const queen = await startQueen(t);
  const hive = await startHive(t, queen, { "hive-id": "h1" });
  await until("the hive is known", async () => (await queen.metric("rbee_hives")) === 1);
  const { worker_id: id } = resultOf(await operate(queen, spawn));
  await queen.untilReadyFor(tinyModel);
  const request = { model: tinyModel, stream: true, max_tokens: 400, temperature: 0, messages: [{ role: "user", content: "Tell me a long story." }] };
  const list = [];
  let stopping;
  for await (const event of events(await queen.stream("POST", "/v1/chat/completions", request))) {
    list.push(event);
    stopping ??= operate(hive, { operation: "worker_process_delete", worker_id: id });
  }
  assert.equal(list.at(-1).data, "[DONE]", JSON.stringify(list.at(-1)));
  assert.ok(textOf(list).length > 0);
  assert.equal(resultOf(await stopping).state, "stopped");
  await until("the queen knows", async () => (await queen.get(`/v1/models/${tinyModel}`)).body.workers_ready === 0);
});

test("a model that is added is found when it is asked for", async (t) => {
  const folder = temporaryFolder(t);
  const hive = await alone(t, { "models-dir": folder });
  mkdirSync(path.join(folder, "added"));
  cpSync(path.join(modelsFolder, tinyModel, `${tinyModel}.gguf`), path.join(folder, "added", "model.gguf"));
  const found = resultOf(await operate(hive, { operation: "hive_refresh_capabilities" }));
  assert.deepEqual(
    found.models.map((model) => model.ref),
    ["added"],
  );
});

test("a file that is no model is refused by name", async (t) => {
  const folder = temporaryFolder(t);
  writeFileSync(path.join(folder, "text.gguf"), "this is not a model");
  writeFileSync(path.join(folder, "cut.gguf"), "GGUF");
  const hive = await alone(t, { "models-dir": folder });
  const { status, body } = await hive.post("/v1/jobs", { ...spawn, model: "text" });
  assert.equal(status, 400);
  assert.match(body.error.message, /not a GGUF file/);
  const [error] = dataOf(await operate(hive, { ...spawn, model: "cut" }), "error");
  assert.equal(error.code, "INVALID_REQUEST");
  assert.equal(error.retriable, false);
});

test("off loopback a token is needed to start, and then to ask", async (t) => {
  const refused = await run("rbee-hive", ["--listen=0.0.0.0:0", `--state-dir=${temporaryFolder(t)}`]);
  assert.equal(refused.code, 2);
  assert.match(refused.stderr, /--token-file/);

  const token = "0123456789abcdef-hive";
  const hive = await alone(t, { "token-file": secretFile(t, token) });
  assert.equal((await hive.get("/health")).status, 200);
  assert.equal((await hive.get("/v1/workers")).status, 401);
  assert.equal((await hive.post("/v1/jobs", spawn)).status, 401);
  assert.equal((await hive.get("/v1/workers", { authorization: "Bearer wrong-wrong-wrong" })).status, 401);
  assert.equal((await hive.get("/v1/workers", { authorization: `Bearer ${token}` })).status, 200);
});

test("with tokens on both sides a queen and a hive still work together", async (t) => {
  const [client, shared, admin] = ["client", "hive", "admin"].map((name) => `0123456789abcdef-${name}`);
  const hiveToken = secretFile(t, shared);
  const queen = await startQueen(t, { "token-file": secretFile(t, client), "hive-token-file": hiveToken, "admin-token-file": secretFile(t, admin) });
  await startHive(t, queen, { "hive-id": "h1", "token-file": hiveToken });
  const asAdmin = { authorization: `Bearer ${admin}` };
  const asClient = { authorization: `Bearer ${client}` };
  const list = async () => resultOf(await operate(queen, { operation: "hive_list" }, asAdmin)).hives;
  await until("the hive is known", async () => (await list()).length === 1);
  resultOf(await operate(queen, spawn, asAdmin));
  await until("the worker is ready", async () => (await queen.get(`/v1/models/${tinyModel}`, asClient)).body.workers_ready === 1);
  const answer = await queen.post("/v1/completions", { model: tinyModel, prompt: "Once", max_tokens: 4 }, asClient);
  assert.equal(answer.status, 200, JSON.stringify(answer.body));
});

test("a worker that outlived its hive is ended by the next one", async (t) => {
  const stubborn = { "worker-program": script(t, "tail -f /dev/null & wait") };
  const hive = await alone(t, stubborn);
  assert.equal((await hive.post("/v1/jobs", spawn)).status, 200);
  const [worker] = (await hive.get("/v1/workers")).body.workers;
  await hive.crash();
  assert.ok(isAlive(worker.pid));
  const next = await alone(t, { ...stubborn, "state-dir": hive.stateDir });
  await until("it is gone", () => !isAlive(worker.pid));
  assert.equal(next.log().find((line) => line.pid === worker.pid).worker_id, worker.worker_id);
});

test("a web page cannot drive a hive", async (t) => {
  const hive = await alone(t);
  const body = JSON.stringify(spawn);
  assert.equal((await hive.post("/v1/jobs", body, { ...json, origin: "http://evil.example" })).status, 403);
  assert.equal((await hive.post("/v1/jobs", body, { ...json, host: "evil.example" })).status, 421);
  assert.equal((await hive.post("/v1/jobs", body, { "content-type": "text/plain" })).status, 415);
  assert.deepEqual((await hive.get("/v1/workers")).body.workers, []);
});

test("a state directory is one hive's at a time", async (t) => {
  const hive = await alone(t);
  const second = await run("rbee-hive", ["--listen=127.0.0.1:0", `--state-dir=${hive.stateDir}`]);
  assert.equal(second.code, 1);
  assert.match(second.stderr, new RegExp(String(hive.pid)));
});

test("a shutdown that is asked for stops the workers and tells the queen", async (t) => {
  const queen = await startQueen(t);
  const hive = await startHive(t, queen, { "hive-id": "h1" });
  const { pid } = resultOf(await operate(hive, spawn));
  await queen.untilReadyFor(tinyModel);
  assert.equal((await hive.post("/v1/shutdown", {})).status, 202);
  await until("the hive has ended", () => hive.exit);
  assert.equal(hive.exit.code, 0);
  assert.ok(!isAlive(pid));
  const { hives } = resultOf(await operate(queen, { operation: "hive_list" }));
  assert.equal(hives[0].operational_status, "stopping");
});

test("wrong options end the start with their name", async (t) => {
  const wrong = [
    ["--worker-ports=9-1", /--worker-ports/],
    ["--queen-url=https://queen", /--queen-url/],
    ["--hive-id=a b", /--hive-id/],
    ["--label=novalue", /label/],
    ["--no-such-option", /no-such-option/],
  ];
  for (const [flag, message] of wrong) {
    const { code, stderr } = await run("rbee-hive", [flag, `--state-dir=${temporaryFolder(t)}`]);
    assert.equal(code, 2, flag);
    assert.match(stderr, message);
  }
  assert.equal((await run("rbee-hive", ["--check-config", `--state-dir=${temporaryFolder(t)}`])).code, 0);
});
