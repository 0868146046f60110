// A hive under a queen, with real workers.
import assert from "node:assert/strict";
import { test } from "node:test";
import { isAlive } from "./lib/proc.js";
import { RawConnection } from "./lib/raw.js";
import { allEvents, dataOf } from "./lib/sse.js";
import { until } from "./lib/wait.js";
import { startHive, startQueen, tinyModel } from "./lib/world.js";

const messages = [{ role: "user", content: "Tell me a story." }];
const chat = { model: tinyModel, messages, max_tokens: 8, temperature: 0 };

// Runs an operation to its end: the events of its job.
async function operate(queen, operation) {
  const { status, body } = await queen.post("/v1/jobs", operation);
  assert.equal(status, 200, JSON.stringify(body));
  return allEvents(await queen.stream("GET", body.sse_url));
}

const resultOf = (list) => dataOf(list, "end")[0]?.result;
const spawnWorker = async (queen, change = {}) => {
  const list = await operate(queen, { operation: "worker_spawn", model: tinyModel, threads: 1, slots: 2, ...change });
  const result = resultOf(list);
  assert.ok(result?.worker_id, JSON.stringify(list));
  return result;
};

async function queenWithHive(t, options = {}, queenOptions = {}) {
  const queen = await startQueen(t, queenOptions);
  const hive = await startHive(t, queen, { "hive-id": "h1", ...options });
  await until("the hive is known", async () => (await queen.metric("rbee_hives")) === 1);
  return { queen, hive };
}

test("a worker is spawned through the queen, answers, is listed, and is stopped", async (t) => {
  const { queen } = await queenWithHive(t);
  const worker = await spawnWorker(queen);
  assert.ok(worker.pid > 0 && worker.port > 0);
  await queen.untilReadyFor(tinyModel);
  const answer = await queen.post("/v1/chat/completions", chat);
  assert.equal(answer.status, 200, JSON.stringify(answer.body));
  assert.equal(answer.headers.get("x-rbee-worker"), worker.worker_id);
  assert.ok(JSON.stringify(await operate(queen, { operation: "active_worker_list" })).includes(worker.worker_id));

  await operate(queen, { operation: "worker_process_delete", hive_id: "h1", worker_id: worker.worker_id });
  await until("the process is gone", () => !isAlive(worker.pid));
  await until("the queen knows", async () => (await queen.get(`/v1/models/${tinyModel}`)).body.workers_ready === 0);
});

test("a model is a reference inside the folder, never a path out of it", async (t) => {
  const { queen } = await queenWithHive(t);
  for (const model of ["no-such-model", "../rbee-tiny", "/etc/passwd", "rbee-tiny/../../README", "", "a\0b"]) {
    const { status, body } = await queen.post("/v1/jobs", { operation: "worker_spawn", model });
    if (status !== 200) {
      assert.ok(body.error.message);
      continue;
    }
    const list = await allEvents(await queen.stream("GET", body.sse_url));
    assert.equal(dataOf(list, "error").length, 1, `${JSON.stringify(model)}: ${JSON.stringify(list)}`);
    assert.match(list.at(-1).data, /^\[ERROR\]/);
  }
});

test("a worker that is killed is noticed, and its requests are not lost to it", async (t) => {
  const { queen } = await queenWithHive(t);
  const [one, two] = [await spawnWorker(queen), await spawnWorker(queen)];
  await queen.untilReadyFor(tinyModel, 2);
  process.kill(one.pid, "SIGKILL");
  await until("one is left", async () => (await queen.get(`/v1/models/${tinyModel}`)).body.workers_ready === 1);
  const answer = await queen.post("/v1/chat/completions", chat);
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get("x-rbee-worker"), two.worker_id);
});

// The demo model makes its 400 tokens in a fifth of a second, so an answer may be over
// before the worker is hit: it must be whole then, and in every other case end in an error.
for (const [what, hit] of [["killed", "SIGKILL"], ["frozen", "SIGSTOP"]]) {
  for (const stream of [true, false]) {
    test(`a worker that is ${what} at work: its client is told, ${stream ? "streamed" : "whole"}`, async (t) => {
      const { queen } = await queenWithHive(t, {}, { "token-timeout": "1s", "first-token-timeout": "1s", "total-timeout": "5s", "queue-timeout": "1s" });
      const worker = await spawnWorker(queen);
      await queen.untilReadyFor(tinyModel);
      const connection = await RawConnection.open(queen.url);
      connection.post("/v1/chat/completions", { ...chat, stream, max_tokens: 400, temperature: 1.5, seed: 1 });
      await until("the worker is at work", async () => (await queen.metric("rbee_running")) === 1 || connection.text() !== "");
      process.kill(worker.pid, hit);
      await until("an answer", () => /\[DONE\]|"error":|"usage":/.test(connection.text()));
      const isWhole = stream ? connection.text().includes("[DONE]") : connection.text().startsWith("HTTP/1.1 200");
      assert.notEqual(isWhole, connection.text().includes('"error":{'), connection.text().slice(-300));
      connection.close();
      if (hit === "SIGSTOP") process.kill(worker.pid, "SIGCONT");
      await until("the ledger is empty", async () => (await queen.metric("rbee_running")) === 0);
    });
  }
}

test("a queen that restarts learns everything again from the next heartbeats", async (t) => {
  const { queen } = await queenWithHive(t);
  await spawnWorker(queen);
  await queen.untilReadyFor(tinyModel);
  await queen.crash();
  const again = await startQueen(t, { "state-dir": queen.stateDir, listen: queen.listen });
  await again.untilReadyFor(tinyModel);
  assert.equal((await again.post("/v1/chat/completions", chat)).status, 200);
});

test("a hive that ends takes its workers with it", async (t) => {
  const { queen, hive } = await queenWithHive(t);
  const worker = await spawnWorker(queen);
  await queen.untilReadyFor(tinyModel);
  await hive.stop();
  await until("the worker's process is gone", () => !isAlive(worker.pid));
});

test("a hive that is killed leaves no worker behind, and its successor starts anew", async (t) => {
  const { queen, hive } = await queenWithHive(t);
  const worker = await spawnWorker(queen);
  await queen.untilReadyFor(tinyModel);
  await hive.crash();
  const successor = await startHive(t, queen, { "hive-id": "h1", "state-dir": hive.stateDir });
  await until("the old worker's process is gone", () => !isAlive(worker.pid));
  await until("the queen knows where it is now", async () =>
    JSON.stringify(await operate(queen, { operation: "hive_get", hive_id: "h1" })).includes(new URL(successor.url).port));
  await spawnWorker(queen);
  await queen.untilReadyFor(tinyModel);
  assert.equal((await queen.post("/v1/chat/completions", chat)).status, 200);
});
